"""Which layers get an adapter: one answer for the planner, which has a configuration, and for training.

    linear_layers(model)          →  {"model.layers.0.mlp.up_proj": Linear(…), …}, and those that no adapter goes on
    chosen(names, "attention")    →  {"q_proj", "v_proj"}
    targets(model, "attention")   →  ["q_proj", "v_proj"], for peft

The head gets none, nor do weights that are not read by way of their layer, past which an adapter would learn nothing:
a mixture's fused experts, and what kernels of a state space layer take.
"""

from __future__ import annotations

from typing import Any, Collection, Iterable

from dstill.errors import ConfigError

__all__ = ["are_read_by_kernels", "chosen", "is_linear", "linear_layers", "targets"]

# The query and value projections, by the names that architectures give them; DeepSeek's make both from short vectors.
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

_READ_BY_KERNELS = {"x_proj", "dt_proj", "out_proj"}  # of a state space layer; `in_proj` alone is always called


def is_linear(module: Any) -> bool:
    """A linear layer, GPT-2's transposed ones included."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (torch.nn.Linear, Conv1D))


def linear_layers(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """By path: the linear layers that an adapter can go on, and those that none can; the head is in neither."""
    head = model.get_output_embeddings()
    layers = {path: module for path, module in model.named_modules() if is_linear(module) and module is not head}
    fused = any(weight.ndim == 3 for weight in model.parameters())  # else peft, whose import takes long, is not asked
    experts = {name for name in set(map(_name, layers)) if fused and _is_an_experts(name, model)}
    free = {p: m for p, m in layers.items() if _name(p) not in experts and not _is_read_by_kernels(p, model)}
    return free, {path: module for path, module in layers.items() if path not in free}


def are_read_by_kernels(unadapted: Iterable[str]) -> bool:
    """Whether one of these layers without adapters is a state space layer's: its weight must lie as kernels read it."""
    return any(_name(path) in _READ_BY_KERNELS for path in unadapted)


def chosen(names: Collection[str], wanted: str) -> set[str]:
    """Those of `names` that the setting means; by "attention" all of them, where no projection is known by its name."""
    known = set(names)
    if wanted == "all-linear":
        return known
    if wanted == "attention":  # of an encoder and a decoder with names of their own, both
        return {name for group in _ATTENTION if group <= known for name in group} or known
    return known.intersection(name.strip() for name in wanted.split(","))


def targets(model: Any, wanted: str) -> list[str]:
    """What peft is told: names, or paths where a name is also another module's. Raises ConfigError."""
    free, _ = linear_layers(model)
    names = set(map(_name, free))
    if not names:
        raise ConfigError(
            "the student has no linear layer that an adapter can go on",
            where="train.modality",
            hint="train every weight: --modality full",
        )
    picked = chosen(names, wanted)
    _require_known(wanted, picked, names, model)
    paths = {path for path in free if _name(path) in picked}
    called = {path for path, _ in model.named_modules() if _name(path) in picked}
    return sorted(picked if called == paths else paths)


def _require_known(wanted: str, picked: set[str], names: set[str], model: Any) -> None:
    if wanted in ("attention", "all-linear"):
        return
    missing = sorted({name.strip() for name in wanted.split(",") if name.strip()} - picked)
    if picked and not missing:
        return
    linear = {_name(path) for path, module in model.named_modules() if is_linear(module)}
    unknown = [name for name in missing if name not in linear]
    raise ConfigError(
        f"the student has no linear layer called '{', '.join(unknown)}'"
        if unknown or not missing
        else f"no adapter can go on '{', '.join(missing)}'",
        where="train.target_modules",
        hint=f"attention, all-linear, or of: {', '.join(sorted(names))}",
    )


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _is_an_experts(name: str, model: Any) -> bool:
    """Whether peft takes the name for a mixture's fused experts, which it wraps without dropout only."""
    from peft import LoraConfig
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    config = LoraConfig(target_modules=[name])
    try:
        convert_peft_config_for_transformers(config, model, conversions=None)
    except ValueError:  # one of two that are fused
        return True
    return name not in config.target_modules


def _is_read_by_kernels(path: str, model: Any) -> bool:
    """Whether it is one of a state space layer's, as Mamba's is; peft itself refuses some of these."""
    parent, _, name = path.rpartition(".")
    layer = model.get_submodule(parent)
    return name in _READ_BY_KERNELS and hasattr(layer, "A_log") and hasattr(layer, "D")
