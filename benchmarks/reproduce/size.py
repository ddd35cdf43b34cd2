"""How much is trained: the whole reproduction, a quick one, and a smoke test that only shows that everything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.reproduce import memory

__all__ = ["BASE_RATE", "DEFAULTS", "FULL", "QUICK", "RECIPE", "SIZES", "SMOKE", "Size"]

# A batch of 32, the label weighing 0.8, one thread a trial; adapters on all that is linear, as the base is small.
RECIPE: Mapping[str, Any] = {
    "train.label_weight": 0.8,
    "train.per_device_train_batch_size": 32,
    "train.max_length": 128,
    "train.max_target_length": 128,
    "train.threads": 1,
    "train.target_modules": "all-linear",
    "train.lora_dropout": 0.05,
}
BASE_RATE = 2e-3  # the learning rate of a base
# What stays as dstill has it, and decides as well. By name: a setting that dstill gains makes no trial another.
DEFAULTS = (
    *("train.r", "train.lora_alpha", "train.gradient_accumulation_steps", "train.task_prefix", "train.warmup_ratio"),
    *("train.weight_decay", "train.optim", "train.precision", "train.early_stopping"),
    *("student.tiny.d_model", "student.tiny.d_ff", "student.tiny.num_heads", "student.tiny.num_layers"),
    *("student.tiny.num_decoder_layers", "student.tiny.dropout_rate", "student.tiny.vocabulary"),
)
# What each modality may choose from on the validation set: adapters move few weights, and want more.
LEARNING_RATES: Mapping[str, tuple[float, ...]] = {
    "full": (5e-4, 1e-3, 2e-3),
    "lora": (1e-3, 2.5e-3, 5e-3),
    "qlora": (1e-3, 2.5e-3, 5e-3),
}


@dataclass(frozen=True, kw_only=True)
class Size:
    name: str
    directions: tuple[tuple[str, str], ...]  # from one index to another
    rows: int  # training questions of an index
    base_steps: int  # of the base, in full, on its own index
    steps: int  # of every adaptation
    rates: Mapping[str, tuple[float, ...]]  # learning rates that a modality chooses from
    seeds: int
    items: int  # of a test set that answers are scored on
    ratios: tuple[int, ...]  # alpha : rank
    curve: tuple[int, ...]  # training rows
    clean: int  # "a few hundred" of the claim
    noise: tuple[int, ...]  # percent of corrupted answers
    models: tuple[tuple[int, int], ...]  # hidden × layers, for memory
    times: int  # that each is measured
    documents: int = 0  # of an index; 0: as many as dstill has by default


FULL = Size(
    name="full",
    directions=(("weblogs", "movies"), ("movies", "weblogs")),
    rows=6_000,
    base_steps=900,
    steps=400,
    rates=LEARNING_RATES,
    seeds=3,
    items=300,
    ratios=(1, 2, 4, 8),
    curve=(100, 300, 1_000, 6_000),
    clean=300,
    noise=(0, 10, 30),
    models=memory.SIZES,
    times=2,
)
QUICK = Size(
    name="quick",
    directions=(("weblogs", "movies"),),
    rows=600,
    base_steps=60,
    steps=20,
    rates={modality: rates[-1:] for modality, rates in LEARNING_RATES.items()},
    seeds=1,
    items=40,
    ratios=(1, 4),
    curve=(100, 600),
    clean=100,
    noise=(0, 30),
    models=memory.QUICK_SIZES,
    times=1,
)
SMOKE = replace(
    QUICK,
    name="smoke",
    rows=120,
    base_steps=4,
    steps=2,
    items=8,
    curve=(20,),
    clean=20,
    models=((64, 2),),
    documents=500,
)
SIZES = {size.name: size for size in (FULL, QUICK, SMOKE)}
