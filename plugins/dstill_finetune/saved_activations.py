"""What autograd keeps of a batch until the backward pass, counted on tensors that hold nothing.

    kept_of(LlamaConfig(…))("full", 4) → ActivationBytes(source=351052, …)

A copy of the architecture with one layer, and one with two, runs forward on fake tensors (shapes and kernels
of the CPU, no memory), and hooks on saved tensors count the bytes; the layers that were left out are as the
second. Bytes are a polynomial in the lengths of what is read and written, found from a few lengths.
"full": every weight has a gradient; "frozen": only what goes through the layers. 4 bytes: fp32; 2: bf16, the
weights too where they are frozen, else under autocast as training runs.

Not covered: kernels of a GPU (flash attention keeps what the CPU's kernel keeps; a dropout's mask is smaller
there, and so is what Mamba's keep), a batch shorter than one chunk of Mamba 2's, and architectures whose forward
looks at values or whose depth cannot be cut; of these alone None says so.
"""

from __future__ import annotations

import copy
import json
import logging
from functools import cache, partial
from typing import Any, Callable

from dstill.api.modality import ActivationBytes
from dstill_finetune.model_loading import is_encoder_decoder

__all__ = ["kept_of"]

STEP = 32  # lengths tried: 32, 64 and 96 tokens
DEPTHS = ("num_hidden_layers", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers")
CHUNKS = ("chunk_size", "mamba_chunk_size")  # a length is padded to whole ones, and a lone one costs less
Bytes = tuple[float, float]  # kept by what reads and by what writes


def kept_of(config: Any) -> Callable[[str, int], ActivationBytes | None]:
    """``(how, wide)`` → what is kept: counted when it is first asked for, since most plans need two of the four."""
    # json's own text: transformers writes infinity, which Mamba 2 has, in a way that it does not read back here
    return partial(_counted, config.__class__, json.dumps(config.to_dict(), default=str))


@cache
def _counted(kind: Any, text: str, how: str, wide: int) -> ActivationBytes | None:
    torch_log = logging.getLogger("torch._subclasses.fake_tensor")
    before = torch_log.disabled
    torch_log.disabled = True  # it prints a traceback for each of these, though nothing is wrong for the user
    try:
        return _fitted(kind.from_dict(json.loads(text)), how == "frozen", wide)
    except Exception:  # whatever an architecture raises on tensors without values
        return None
    finally:
        torch_log.disabled = before


def _fitted(config: Any, frozen: bool, wide: int) -> ActivationBytes:
    reads, writes = layers_of(config)
    one, two = (_polynomial(_traced(_cut(config, depth), frozen, wide), config) for depth in (1, 2))
    counts = (reads, reads, writes, writes, writes, writes)
    return ActivationBytes(*(a + (count - 1) * (b - a) for a, b, count in zip(one, two, counts, strict=True)))


def layers_of(config: Any) -> tuple[int, int]:
    """Of encoder and decoder; a decoder-only student reads with all of them."""
    reads = int(config.num_hidden_layers)
    if not is_encoder_decoder(config):
        return reads, 1
    named = getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", None)
    return reads, int(named or reads)


def _cut(config: Any, depth: int) -> Any:
    short = copy.deepcopy(config)
    for name in DEPTHS:
        if hasattr(short, name):
            setattr(short, name, depth)
    if len(getattr(short, "layer_types", None) or ()) > depth:  # some follow the number of layers by themselves
        short.layer_types = short.layer_types[:depth]
    return short


def _polynomial(run: Callable[[int, int], Bytes], config: Any) -> tuple[float, ...]:
    """Coefficients of S, S² (reading) and T, T², S, S·T (writing); what hangs on no length is left out."""
    h = max(STEP, *(2 * (getattr(config, name, None) or 0) for name in CHUNKS))
    if not is_encoder_decoder(config):
        a, b, c = (run(n * h, 0)[0] for n in (1, 2, 3))
        square = (c - 2 * b + a) / (2 * h * h)
        return ((b - a) / h - 3 * h * square, square, 0.0, 0.0, 0.0, 0.0)
    at = {(s, t): run(s * h, t * h) for s, t in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 2))}
    a, b, c = (at[s, 1][0] for s in (1, 2, 3))
    square = (c - 2 * b + a) / (2 * h * h)
    w = {key: value[1] for key, value in at.items()}
    cross = (w[2, 2] - w[2, 1] - w[1, 2] + w[1, 1]) / (h * h)
    across = (w[2, 1] - w[1, 1]) / h - h * cross
    squares = (w[1, 3] - 2 * w[1, 2] + w[1, 1]) / (2 * h * h)
    written = (w[1, 2] - w[1, 1]) / h - 3 * h * squares - h * cross
    return ((b - a) / h - 3 * h * square, square, written, squares, across, cross)


def _traced(config: Any, frozen: bool, wide: int) -> Callable[[int, int], Bytes]:
    """run(source tokens, target tokens) → bytes kept of one sequence, of a model made once."""
    import torch
    import transformers
    from torch._subclasses.fake_tensor import FakeTensorMode

    seq2seq = is_encoder_decoder(config)
    kind = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    fake = FakeTensorMode()
    with fake:
        model = kind.from_config(config, dtype=torch.bfloat16 if wide == 2 and frozen else torch.float32).train()
        if frozen:
            model.requires_grad_(False)
            model.enable_input_require_grads()
    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    seen: dict[int, tuple[int, Any]] = {}  # storage → the part that keeps it, and the storage
    part = [0]
    # the head sees labelled positions only, and is planned for by itself
    model.get_output_embeddings().register_forward_pre_hook(lambda module, inputs: (inputs[0][:, -1:],))
    if seq2seq:
        model.get_encoder().register_forward_hook(lambda *_: part.__setitem__(0, 1))

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            seen.setdefault(storage._cdata, (part[0], storage))
        return tensor

    def run(source: int, target: int) -> Bytes:
        seen.clear()
        part[0] = 0
        with (
            fake,
            torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=wide == 2),
        ):
            ids = torch.ones(1, source, dtype=torch.long)
            more = {"decoder_input_ids": torch.ones(1, target, dtype=torch.long)} if target else {}
            out = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **more)
            found = [0.0, 0.0]
            for at, storage in seen.values():
                found[at] += storage.nbytes()
            del out
        return found[0], found[1]

    return run
