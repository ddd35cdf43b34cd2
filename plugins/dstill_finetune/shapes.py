"""The shape of a student, counted on the meta device: no weights are read or made.

shape_of(T5Config(d_model=64, …)) → Shape(parameters=…, linears={"q": (64, 64, 8), …}, …)
"""

from __future__ import annotations

from typing import Any

from dstill.parts import Shape
from dstill_finetune.folders import is_encoder_decoder
from dstill_finetune.kept import kept_of

__all__ = ["attention_names", "is_linear", "shape_of"]

# The query and value projections, by the names that architectures give them.
_ATTENTION = (
    ("q_proj", "v_proj"),
    ("q", "v"),
    ("query", "value"),
    ("q_lin", "v_lin"),
    ("c_attn",),
    ("query_key_value",),
    ("qkv_proj",),
    ("Wqkv",),
)


def attention_names(linears: Any) -> tuple[str, ...]:
    """The names of the query and value projections among `linears`; all of them where none is known."""
    known = set(linears)
    return next((names for names in _ATTENTION if known.issuperset(names)), tuple(sorted(known)))


def is_linear(module: Any) -> bool:
    """A linear layer, GPT-2's transposed ones included."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (torch.nn.Linear, Conv1D))


def shape_of(config: Any) -> Shape:
    """Count parameters and linear layers of the model that `config` describes."""
    import torch
    import transformers

    kind = transformers.AutoModelForSeq2SeqLM if is_encoder_decoder(config) else transformers.AutoModelForCausalLM
    with torch.device("meta"):
        model = kind.from_config(config)
    head = model.get_output_embeddings()
    if getattr(config, "scale_decoder_outputs", True) is False:
        # T5 v1.1 and FLAN-T5 have a head of their own, which the class does not say
        head.weight = torch.nn.Parameter(torch.empty_like(head.weight))
    linears: dict[str, tuple[int, int, int]] = {}
    quantized = 0
    for path, module in model.named_modules():
        if not is_linear(module) or module is head:
            continue
        # transformers keeps some layers out of 4 bits: T5's `wo`
        if not any(part in (model._keep_in_fp32_modules or ()) for part in path.split(".")):
            quantized += module.weight.numel()
        inputs, outputs = getattr(module, "in_features", module.weight.shape[0]), _outputs(module)
        name = path.rpartition(".")[2]
        while name in linears and linears[name][:2] != (inputs, outputs):
            name += "'"  # one name, two sizes: kept apart
        linears[name] = (inputs, outputs, linears.get(name, (0, 0, 0))[2] + 1)
    parameters = sum(p.numel() for p in model.parameters())
    layers = config.num_hidden_layers
    if is_encoder_decoder(config):
        layers += getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", layers)
    return Shape(
        architecture=type(model).__name__,
        parameters=parameters,
        embedding=parameters - quantized,
        linears=linears,
        layers=layers,
        hidden=config.hidden_size,
        feed_forward=_feed_forward(config, linears),
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
        encoder_decoder=is_encoder_decoder(config),
        kept=kept_of(config),
        tied=head is None or head.weight is model.get_input_embeddings().weight,
    )


def _outputs(module: Any) -> int:
    return int(getattr(module, "out_features", module.weight.shape[-1]))


def _feed_forward(config: Any, linears: dict[str, tuple[int, int, int]]) -> int:
    for name in ("intermediate_size", "d_ff", "ffn_dim", "encoder_ffn_dim", "n_inner"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return max(outputs for _, outputs, _ in linears.values())
