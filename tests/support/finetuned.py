"""Trains small students on questions about coloured things, and asks what they answer.

fit(Tiny(SMALL), Full(), folder, max_steps=6)
answers(folder, "predict: all red cars")   →  what the student in that folder writes
card_answer(folder)                        →  what the code of its model card prints
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.inputs import inputs

from dstill.api.modality import Modality
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Pair
from dstill.api.student import Student, TrainingJob, TrainResult
from dstill_finetune.hf import Hf, HfConfig
from dstill_finetune.tiny import TinyConfig

__all__ = ["CPU", "SMALL", "answers", "card_answer", "fit", "hf_student", "losses", "records", "texts"]

CPU = Device(name="test CPU", kind="cpu", total=2**34, free=2**34)
SMALL = TinyConfig(d_model=32, d_ff=64, num_heads=2, num_layers=1, num_decoder_layers=1, vocabulary=320)
COLOURS = ("red", "green", "blue", "black", "white", "grey", "pink", "brown")
THINGS = ("cars", "hats", "doors", "birds", "ships", "cups")
RECIPE = Recipe(
    learning_rate=3e-3,
    per_device_train_batch_size=8,
    max_steps=6,
    max_length=48,
    max_target_length=48,
    r=4,
    lora_alpha=16,
    lora_dropout=0.0,
    target_modules="all-linear",
    warmup_ratio=0.0,
    threads=1,
)


def records(count: int = 48) -> list[tuple[Pair, Pair]]:
    """Label and rationale of `count` questions, as the objective dss gives them."""
    rows = []
    for number in range(count):
        colour, thing = COLOURS[number % len(COLOURS)], THINGS[number // len(COLOURS) % len(THINGS)]
        source, target = f"all {colour} {thing}", f'{{"{thing}":{{"colour":"{colour}"}}}}'
        rows.append(
            (
                Pair(task_prefix="predict: ", source=source, target=target, weight=0.5),
                Pair(task_prefix="explain: ", source=source, target=f"{colour} is a colour.", weight=0.5),
            )
        )
    return rows


def texts() -> list[str]:
    return [text for record in records() for pair in record for text in (pair.task_prefix + pair.source, pair.target)]


def hf_student(base: Path | str, **config: Any) -> Hf:
    found = Hf(HfConfig(**config))
    found.base = str(base)
    return found


def fit(
    student: Student,
    modality: Modality,
    folder: Path,
    rows: Sequence[Sequence[Pair]] | None = None,
    *,
    seed: int = 0,
    device: Device = CPU,
    validation: Sequence[Sequence[Pair]] = (),
    job: Mapping[str, Any] | None = None,
    **changes: Any,
) -> TrainResult:
    """Train on small records. `job`: more of the TrainingJob; `changes`: of the recipe."""
    return student.fit(
        TrainingJob(
            train=[tuple(row) for row in (records() if rows is None else rows)],
            validation=[tuple(row) for row in validation],
            modality=modality,
            recipe=replace(RECIPE, **changes),
            device=device,
            folder=folder,
            seed=seed,
            **(job or {}),
        )
    )


def losses(fitted: TrainResult) -> list[float]:
    return [row["loss"] for row in fitted.history if "loss" in row]


def answers(folder: Path, *prompts: str, trained: bool = True) -> list[str]:
    return [written.text for written in Hf().load(folder, trained=trained).generate(inputs(*prompts))]


def card_answer(folder: Path, prompt: str | None = None) -> str:
    """Output of the code in the model card, with only the folder replaced, and the prompt where one is given."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert "dstill" not in code
    code = code.replace('FOLDER = "."', f"FOLDER = {str(folder)!r}")
    if prompt is not None:
        code = re.sub(r"^prompt = .*$", lambda _: f"prompt = {prompt!r}", code, flags=re.MULTILINE)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        exec(code, {})
    return out.getvalue().removesuffix("\n")
