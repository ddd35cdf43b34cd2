"""Counts the activations that autograd saves for the backward pass, without running the real model.

    activation_bytes_of(LlamaConfig(…))("full", 4) → ActivationBytes(source=351052, …)

Copies of the architecture with one layer and with two run forward on fake tensors (shapes and CPU kernels, no memory),
and hooks on saved tensors count the bytes. Every further layer counts like the second. The bytes are a polynomial in
the source and target lengths, fitted on a few lengths.

"full": every weight has a gradient; "frozen": gradients only flow through the layers. 4 bytes: fp32; 2: bf16, for
frozen weights too, otherwise under autocast as in training.

Not covered: GPU kernels (flash attention saves the same as the CPU kernel; dropout masks and Mamba's kernels save less)
and a batch shorter than one chunk of Mamba 2. The result is None for architectures whose forward pass depends on values
or whose depth cannot be reduced.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from dstill.api.modality import ActivationBytes
from dstill_finetune.model_loading import is_encoder_decoder
from dstill_torch.saved_bytes import DECODER, ENCODER_DECODER, STEP, SavedBytes, polynomial

__all__ = ["activation_bytes_of"]

DEPTHS = ("num_hidden_layers", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers")
CHUNKS = ("chunk_size", "mamba_chunk_size")  # lengths are padded to whole chunks, and a single chunk costs less
UNRELATED_KEYS = {"_name_or_path", "architectures", "dtype"}


def activation_bytes_of(config: Any) -> Callable[[str, int], ActivationBytes | None]:
    """A function of ``("full" | "frozen", bytes per number)``, which counts on first use: a plan needs two of four."""
    return partial(_counted, config)


def _counted(config: Any, how: str, width: int) -> ActivationBytes | None:
    try:
        (encoder, decoder), shapes = layers_of(config), [_shape(config, depth) for depth in (1, 2)]
    except Exception:  # an architecture may have other names for its layers
        return None
    first, second = (_for_shape(config.__class__, shape, how == "frozen", width) for shape in shapes)
    if first is None or second is None:
        return None
    counts = (encoder, encoder, decoder, decoder, decoder, decoder)
    return ActivationBytes(*(a + (count - 1) * (b - a) for a, b, count in zip(first, second, counts, strict=True)))


def _shape(config: Any, depth: int) -> str:
    """The configuration with `depth` layers, without what does not change what a layer saves."""
    values = {key: value for key, value in _with_depth(config, depth).to_dict().items() if key not in UNRELATED_KEYS}
    if "vocab_size" in values:
        ids = [value for key, value in values.items() if key.endswith("_token_id") and isinstance(value, int)]
        values["vocab_size"] = 1 + max(ids, default=0)
    # through plain JSON, because transformers cannot read back the infinity in Mamba 2's configuration as it writes it
    return json.dumps(values, default=str)


@cache
def _for_shape(kind: Any, shape: str, frozen: bool, width: int) -> tuple[float, ...] | None:
    torch_log = logging.getLogger("torch._subclasses.fake_tensor")
    before = torch_log.disabled
    torch_log.disabled = True  # it would log a traceback for architectures that cannot be counted
    try:
        config = kind.from_dict(json.loads(shape))
        h = max(STEP, *(2 * (getattr(config, name, None) or 0) for name in CHUNKS))
        saved = _traced(config, frozen, width)
        lengths = ENCODER_DECODER if is_encoder_decoder(config) else DECODER
        return polynomial({(s, t): saved(s * h, t * h) for s, t in lengths}, h=h)
    except Exception:  # an architecture may raise anything on tensors without values
        return None
    finally:
        torch_log.disabled = before


def layers_of(config: Any) -> tuple[int, int]:
    """Layers of encoder and decoder; all layers of a decoder-only model count as the first."""
    layers = int(config.num_hidden_layers)
    if not is_encoder_decoder(config):
        return layers, 1
    named = getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", None)
    return layers, int(named or layers)


def _with_depth(config: Any, depth: int) -> Any:
    smaller = copy.deepcopy(config)
    for name in DEPTHS:
        if hasattr(smaller, name):
            setattr(smaller, name, depth)
    if len(getattr(smaller, "layer_types", None) or ()) > depth:  # some follow the number of layers by themselves
        smaller.layer_types = smaller.layer_types[:depth]
    return smaller


def _traced(config: Any, frozen: bool, width: int) -> Callable[[int, int], Sequence[float]]:
    """A function of source and target length that returns the bytes saved for one sequence."""
    import torch
    import transformers
    from torch._subclasses.fake_tensor import FakeTensorMode

    seq2seq = is_encoder_decoder(config)
    kind = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    fake = FakeTensorMode()
    with fake:
        model = kind.from_config(config, dtype=torch.bfloat16 if width == 2 and frozen else torch.float32).train()
        if frozen:
            model.requires_grad_(False)
            model.enable_input_require_grads()
    saved = SavedBytes(model, fake, bf16=width == 2)
    # the logits of labelled positions are planned separately
    model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: (inputs[0][:, -1:],))
    if seq2seq:
        model.get_encoder().register_forward_hook(lambda *_: setattr(saved, "part", 1))

    def run(source: int, target: int) -> Sequence[float]:
        with saved.counted() as sizes:
            ids = torch.ones(1, source, dtype=torch.long)
            decoder = {"decoder_input_ids": torch.ones(1, target, dtype=torch.long)} if target else {}
            out = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **decoder)
        del out
        return sizes

    return run
