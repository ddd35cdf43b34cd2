"""Chooses the layers that get a LoRA adapter, for the planner and for training alike.

    linear_layers(model)          →  {"model.layers.0.mlp.up_proj": Linear(…), …}, and those that cannot have an adapter
    chosen(names, "attention")    →  {"q_proj", "v_proj"}
    targets(model, "attention")   →  ["q_proj", "v_proj"], for peft

"attention" is the query and value projections, the choice of Hu et al. 2021 (LoRA).

The head gets no adapter. Neither do weights that are read without calling their layer, because an adapter there would
have no effect: a mixture's fused experts, and weights that the kernels of a state space layer read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from dstill.errors import ConfigError

__all__ = ["are_read_by_kernels", "chosen", "counted", "is_linear", "linear_layers", "targets"]

# The query and value projections under the names of each architecture; DeepSeek projects both from low-rank vectors.
_ATTENTION = (
    {"q_proj", "v_proj"},
    {"q", "v"},
    {"query", "value"},
    {"q_lin", "v_lin"},
    {"query_proj", "value_proj"},
    {"Wq", "Wv"},
    {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj"},
    {"q_proj", "kv_a_proj_with_mqa", "kv_b_proj"},
    {"c_attn"},
    {"query_key_value"},
    {"qkv_proj"},
    {"Wqkv"},
)

_READ_BY_KERNELS = {"x_proj", "dt_proj", "out_proj"}  # of a state space layer, which always calls only `in_proj`


def is_linear(module: Any) -> bool:
    """Whether it is a linear layer, GPT-2's transposed ``Conv1D`` included."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (torch.nn.Linear, Conv1D))


def linear_layers(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The linear layers that can have an adapter, and those that cannot, by path; the head is in neither."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    layers = {path: module for path, module in model.named_modules() if is_linear(module) and module is not head}
    fused = any(
        weight.ndim == 3 for weight in model.parameters()
    )  # only then is peft asked, because its import is slow
    experts = {name for name in set(map(_name, layers)) if fused and _is_fused_experts(name, model)}
    adaptable = {p: m for p, m in layers.items() if _name(p) not in experts and not _is_read_by_kernels(p, model)}
    return adaptable, {path: module for path, module in layers.items() if path not in adaptable}


def counted(layers: Mapping[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Layer name → inputs, outputs and count."""
    counted: dict[str, tuple[int, int, int]] = {}
    for path, module in layers.items():
        inputs = getattr(module, "in_features", module.weight.shape[0])
        outputs = int(getattr(module, "out_features", module.weight.shape[-1]))
        name = path.rpartition(".")[2]
        while name in counted and counted[name][:2] != (inputs, outputs):
            name += "'"  # the same name with another size is counted apart
        counted[name] = (inputs, outputs, counted.get(name, (0, 0, 0))[2] + 1)
    return counted


def are_read_by_kernels(unadapted: Iterable[str]) -> bool:
    """Whether one of these layers belongs to a state space layer, whose kernels need unquantized weights."""
    return any(_name(path) in _READ_BY_KERNELS for path in unadapted)


def chosen(names: Collection[str], wanted: str) -> set[str]:
    """The `names` that the setting selects. "attention" selects all of them if no projection has a known name."""
    known = set(names)
    if wanted == "all-linear":
        return known
    if wanted == "attention":  # both groups, if encoder and decoder use different names
        return {name for group in _ATTENTION if group <= known for name in group} or known
    return known.intersection(name.strip() for name in wanted.split(","))


def targets(model: Any, wanted: str) -> list[str]:
    """`target_modules` for peft: names, or paths if a name is shared with another module. Raises ConfigError."""
    adaptable, _ = linear_layers(model)
    names = set(map(_name, adaptable))
    if not names:
        raise ConfigError(
            "the student has no linear layer that can have an adapter",
            where="train.modality",
            hint="train every weight: --modality full",
        )
    selected = chosen(names, wanted)
    _require_known(wanted, selected, names, model)
    paths = {path for path in adaptable if _name(path) in selected}
    same_name = {path for path, _ in model.named_modules() if _name(path) in selected}
    return sorted(selected if same_name == paths else paths)


def _require_known(wanted: str, selected: set[str], names: set[str], model: Any) -> None:
    if wanted in ("attention", "all-linear"):
        return
    missing = sorted({name.strip() for name in wanted.split(",") if name.strip()} - selected)
    if selected and not missing:
        return
    linear = {_name(path) for path, module in model.named_modules() if is_linear(module)}
    unknown = [name for name in missing if name not in linear]
    raise ConfigError(
        f"the student has no linear layer called '{', '.join(unknown)}'"
        if unknown or not missing
        else f"'{', '.join(missing)}' cannot have an adapter",
        where="train.target_modules",
        hint=f"attention, all-linear, or of: {', '.join(sorted(names))}",
    )


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _is_fused_experts(name: str, model: Any) -> bool:
    """Whether peft maps the name to a mixture's fused experts, which it can only adapt without dropout."""
    from peft import LoraConfig
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    config = LoraConfig(target_modules=[name])
    try:
        convert_peft_config_for_transformers(config, model, conversions=None)
    except ValueError:  # one of two fused layers
        return True
    return name not in config.target_modules


def _is_read_by_kernels(path: str, model: Any) -> bool:
    """Whether it is part of a state space layer such as Mamba's; peft itself refuses some of these."""
    parent, _, name = path.rpartition(".")
    layer = model.get_submodule(parent)
    return name in _READ_BY_KERNELS and hasattr(layer, "A_log") and hasattr(layer, "D")
