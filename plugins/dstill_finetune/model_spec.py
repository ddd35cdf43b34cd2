"""Counts a student's parameters and layers on the meta device, without reading or making weights.

shape_of(T5Config(d_model=64, …)) → ModelSpec(parameters=…, linears={"q": (64, 64, 8), …}, …)
"""

from __future__ import annotations

from typing import Any

from dstill.api.modality import ModelSpec
from dstill_finetune.meta import model_of
from dstill_finetune.model_loading import is_encoder_decoder
from dstill_finetune.saved_activations import activation_bytes_of
from dstill_torch.lora_targets import counted, linear_layers
from dstill_torch.settings import quiet

__all__ = ["shape_of"]


def shape_of(config: Any) -> ModelSpec:
    """The counts of the model that `config` describes. Raises DataError if none can be built from it."""
    import torch

    quiet()
    model = model_of(config)
    head = model.get_output_embeddings()
    if getattr(config, "scale_decoder_outputs", True) is False:
        # the head of T5 v1.1 and FLAN-T5 is not tied to the embedding, though the class ties them
        head.weight = torch.nn.Parameter(torch.empty_like(head.weight))
    adaptable, others = linear_layers(model)
    # transformers does not quantize some layers, such as T5's `wo`
    fp32 = set(model._keep_in_fp32_modules or ())
    quantized = sum(m.weight.numel() for p, m in {**adaptable, **others}.items() if fp32.isdisjoint(p.split(".")))
    linears, unadapted = counted(adaptable), counted(others)
    parameters = sum(p.numel() for p in model.parameters())
    layers = config.num_hidden_layers
    if is_encoder_decoder(config):
        layers += getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", layers)
    return ModelSpec(
        architecture=type(model).__name__,
        parameters=parameters,
        embedding=parameters - quantized,
        linears=linears,
        unadapted=unadapted,
        layers=layers,
        hidden=config.hidden_size,
        feed_forward=_feed_forward(config, {**unadapted, **linears}),
        heads=getattr(config, "num_attention_heads", 0),  # a state space model has none
        vocabulary=config.vocab_size,
        encoder_decoder=is_encoder_decoder(config),
        activation_bytes=activation_bytes_of(config),
        tied=head is None or head.weight is model.get_input_embeddings().weight,
    )


def _feed_forward(config: Any, linears: dict[str, tuple[int, int, int]]) -> int:
    for name in ("intermediate_size", "d_ff", "ffn_dim", "encoder_ffn_dim", "n_inner"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return max(outputs for _, outputs, _ in linears.values())
