"""Writes the folder of a base from a trained student: 8 bits, and a card.

    publish(Path("build/base/sums/student"), Path("my_sums/base"), data_of("sums"), list(new_rows(form)))

    model.safetensors   at most 10 MB
    linked.json         sizes, tokens, features, the SHA-256 of the weights
    README.md           the card: training, scores, licence, weaknesses

The card's figures come from ``training.json`` beside the student, from `exact` on new invented questions, and from
``scores.json`` in the folder above it, if that is there: {"birdstrikes, by hand, zero-shot": "61.2 % (n = 143)"}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dstill import __version__
from dstill.api.form import Form
from dstill.errors import DataError
from dstill.io.cards import STUDENT, card, table
from dstill_linked.encoding import LinkedCollator, LinkedRow, row_of
from dstill_linked.making.data import BaseData
from dstill_linked.making.scoring import answered, linked_setup
from dstill_linked.model import LinkedModel, Sources
from dstill_linked.saving import quantized, read_facts, read_model, write_student
from dstill_linked.shape import WEIGHTS
from dstill_linked.vocabulary import Vocabulary
from dstill_torch.batches import IGNORED_LABEL

__all__ = ["exact", "new_rows", "publish", "unsure_below"]

LARGEST = 10_000_000  # bytes of the weights
QUESTIONS = 1_000  # that exact match is measured on
SEED = 999_983  # of these questions; no training has it
BATCH = 32
SURE = 0.94  # share of the right answers that nothing marks as unsure
WEAKNESSES = (
    "It reads English only.",
    "All its refusals have one reason.",
    "It has not seen your data: adapt it before you rely on it, and check answers as `dstill evaluate` does.",
)


def new_rows(form: Form) -> Iterator[LinkedRow]:
    """Rows of questions that no training has seen."""
    vocabulary = Vocabulary.of(form)
    for reading, tokens in islice(form.replay(SEED), QUESTIONS):
        yield row_of(vocabulary, reading, tokens)


def publish(
    student: Path,
    out: Path,
    about: BaseData,
    rows: Sequence[LinkedRow],
    *,
    precision: str = "int8",
    known_errors: str = "",
    blend: tuple[Path, float] | None = None,
) -> None:
    """Write the folder `out`. Raises DataError if the weights are too large, or the student is damaged.

    `blend`: another student and the share of this one in the mean of their weights. What training on other questions
    cost is mostly back then (WiSE-FT: Wortsman et al. 2022, arXiv:2109.01903).
    """
    model, facts = read_model(student, about.form)
    if blend is not None:
        other, share = read_model(blend[0], about.form)[0].state_dict(), blend[1]
        model.load_state_dict({k: v.lerp(other[k], 1 - share) for k, v in model.state_dict().items()})
    state = model.state_dict()
    made = quantized(state) if precision == "int8" else {name: value.bfloat16() for name, value in state.items()}
    facts = replace(facts, known_errors=known_errors)
    write_student(out, made, facts)
    write_student(out, made, replace(facts, unsure_below=unsure_below(out, about)))
    size = (out / WEIGHTS).stat().st_size
    if size > LARGEST:
        raise DataError(f"the base has {size:,} bytes, {LARGEST:,} are allowed", where=str(out / WEIGHTS), hint="int8")
    training = json.loads((student / "training.json").read_text(encoding="utf-8"))
    scores = student.parent / "scores.json"
    before, after = exact(model, rows), exact(read_model(out, about.form)[0], rows)
    measured = {
        "exact match on new invented questions": f"{after:.1%} (n = {len(rows):,}, unconstrained; fp32: {before:.1%})",
        **(json.loads(scores.read_text(encoding="utf-8")) if scores.is_file() else {}),
    }
    model_facts = {
        "parameters": f"{sum(value.numel() for value in state.values()):,}",
        "weights": f"{precision}, {size / 1e6:.1f} MB, sha256 {read_facts(out).sha256}",
        "sizes": ", ".join(f"{name} {value:,}" for name, value in facts.shape.items()),
        "made with": f"dstill {__version__}, torch {torch.__version__.partition('+')[0]}, seed {facts.seed}",
        **_training(training),
        **({"blend": f"{blend[1]:.0%} of these weights, the rest of those that training began with"} if blend else {}),
    }
    (out / "README.md").write_text(_card(about, model_facts, measured, known_errors), encoding="utf-8")


def unsure_below(student: Path, about: BaseData) -> float | None:
    """The log-probability that `SURE` of the right answers to development questions reach; None: there are none."""
    logprobs = list[float]()
    for examples in about.development.values():
        pairs = zip(*answered(linked_setup(about), student, examples()), strict=True)
        logprobs += [made.logprob for made, verdict in pairs if verdict.correct and made.logprob is not None]
    return round(float(np.quantile(logprobs, 1 - SURE)), 3) if logprobs else None


def exact(model: LinkedModel, rows: Sequence[LinkedRow]) -> float:
    """The share of rows whose every token has the best score after the right ones, which is greedy exact match."""
    collator, right = LinkedCollator([""]), 0
    ordered = sorted(rows, key=lambda row: len(row.source))
    with torch.inference_mode():
        for at in range(0, len(ordered), BATCH):
            batch = collator([(row,) for row in ordered[at : at + BATCH]])
            sources = Sources(**{name: batch[name] for name in Sources.__dataclass_fields__})
            best = model(sources, batch["previous"]).argmax(-1)
            right += int(((best == batch["labels"]) | (batch["labels"] == IGNORED_LABEL)).all(1).sum())
    return right / len(rows)


def _training(training: Mapping[str, Any]) -> Mapping[str, str]:
    rows, curve = training["rows"], training["curve"]
    return {
        "trained": f"{training['seconds'] / 3600:.2f} hours, {training['steps']:,} steps, {rows:,} rows",
        **({"loss": f"{curve[0][2]} → {curve[-1][2]}"} if curve else {}),
    }


def _card(about: BaseData, facts: Mapping[str, str], measured: Mapping[str, Any], known_errors: str) -> str:
    lines = [
        "",
        f"The first weights of `--student base:{about.task}`.",
        *table(("", ""), facts.items()),
        "",
        "## Data",
        "",
        about.about,
        "",
        "## Scores",
        *table(("", ""), ((name, str(value)) for name, value in measured.items())),
        "",
        "## Weaknesses",
        "",
        *(f"- {one}" for one in (*filter(None, [known_errors]), *about.weaknesses, *WEAKNESSES)),
        "",
        "## Licence",
        "",
        "Apache-2.0, as dstill itself. The licences of the bundled data are in `bundle/NOTICE.md`.",
    ]
    return card(["license: apache-2.0", "library_name: dstill", STUDENT], f"The base {about.task}", lines)
