"""The page of the reproduction: tables with intervals, claims with verdicts, and what this size cannot show.

page(lab, found, minutes)  →  Markdown, as docs/benchmark.md
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.reproduce.claims import Part
from benchmarks.reproduce.experiments import LONGER, Found
from benchmarks.reproduce.lab import UNSEEN, Arm
from benchmarks.reproduce.memory import TOKENS, card_need
from benchmarks.reproduce.size import RECIPE, Size

from dstill.api.records import Verdict
from dstill_evaluate.metrics import why_uncounted
from dstill_sweep.comparing import Verdicts

__all__ = ["page"]

INTRODUCTION = """\
# The benchmark: testing the recipe's claims

    make reproduce             # hours on two cores; run it again to continue after a stop
    make reproduce QUICK=1     # minutes: shows that everything runs; its figures mean nothing

The paper's data is not public, so dstill tests its claims on the bundled indices, and scores answers by running them. A
`tiny` base (a T5 with a million parameters) is fully trained on one index, then adapted to another one with other
fields, values and wordings. No training uses `quakes`: its column shows an index that the student was not trained for.

## What this size can and cannot show

Such a model is thousands of times smaller than those that the recipe was written for. The benchmark shows the direction
of an effect when everything else is equal, and its size *here*, not what a 7B model gains. The rationales of the
synthetic teacher are short and exact. Quantization to 4 bits costs small matrices more. The base takes only 4 MB, so
activations dominate the memory; the last table shows what LoRA saves when the weights are large.

- A claim is **held** if its whole 95 % interval is on the claimed side of the margin, and **not held** if the whole
  interval is on the other side. Otherwise it is **inconclusive at this size**.
- A claim with several parts is held if every part is, and not held as soon as one part is not.
- Planned memory has no interval. The plan for 7B comes with its possible error.

Intervals are percentiles of a bootstrap over question templates and seeds, not corrected for the number of comparisons;
with three seeds they may be too narrow. Those of measured memory are the range of the measurements. The number after ±
is the standard deviation over the seeds. A claim compares only questions that could be judged in every trial of both
arms, so it may deviate from the tables by a few tenths of a point.
"""


def page(size: Size, found: Found, minutes: float) -> str:
    blocks = [INTRODUCTION, _recipe(size, found, minutes), _claims(found), *_unfinished(size, found)]
    tuned = _tuned(size, found)
    tables = [*_modalities(found), _ratios(found), _adapted(found), tuned, _curve(found), _memory(found)]
    return "\n".join([*blocks, *tables])


def _recipe(size: Size, found: Found, minutes: float) -> str:
    settings = ", ".join(f"`{key.removeprefix('train.')} = {value}`" for key, value in RECIPE.items())
    rates = ", ".join(f"{modality} {rate:g}" for modality, rate in found.rates.items())
    first = next(arm for arms in found.modality.values() for arm in arms.values())
    return f"""\
## How it was made

Bases: {size.rows:,} questions, {size.base_steps:,} steps. Adaptations: {size.steps:,} steps, {size.seeds} seeds,
{first.asked["test"]} test questions (and {first.asked[UNSEEN]} about quakes).
Settings of all trainings, unless an arm says otherwise: {settings}.
The recipe itself uses a label weight of 0.5, adapters on the attention's q and v, and a dropout of 0.1. The learning
rate of each modality is the best of those tried, on the validation set with one seed ({rates}; adapters at 4 : 1).
It took {minutes:.0f} minutes.
[benchmark.jsonl](benchmark.jsonl) has the result of every trial for every question, and [claims.json](claims.json) the
figures of the claims.
"""


def _claims(found: Found) -> str:
    rows = [
        (
            claim.statement,
            f"**{claim.verdict}**",
            claim.margin,
            "; ".join(f"{part.what}: {_part(part)}" for part in claim.parts),
        )
        for claim in found.claims
    ]
    return "## The claims\n\n" + _table(("claim", "verdict", "margin", "estimates with 95 % intervals"), rows)


def _part(part: Part) -> str:
    digits = 1 if part.unit == "points" else 2
    sign = "+" if part.unit == "points" else ""
    numbers = [f"{number:{sign}.{digits}f}" for number in (part.estimate, part.low, part.high)]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}] {part.unit}"


def _unfinished(size: Size, found: Found) -> Iterable[str]:
    """How much more steps still help the label alone."""
    gains = {
        way: 100
        * (statistics.fmean(arms[f"full, {LONGER}"].accuracies) - statistics.fmean(arms["full, label-only"].accuracies))
        for way, arms in found.modality.items()
    }
    if min(gains.values()) > 0:
        gained = " and ".join(f"{gain:+.1f} points ({way})" for way, gain in gains.items())
        yield f"""\
After {size.steps:,} steps the students still improve: twice the steps give the label alone {gained}. A record of DSS is
two sequences. So comparing DSS with the label alone at twice the steps shows which makes better use of the same number
of sequences, not which is better after full training.
"""


def _modalities(found: Found) -> Iterable[str]:
    for way, arms in found.modality.items():
        yield f"## Modality and objective, {way}\n\n" + _table(
            ("modality, objective", "executable accuracy", "on quakes", "steps", "training", "peak memory"),
            [
                (
                    name,
                    _accuracy(arm),
                    _rate(arm.unseen),
                    f"{arm.results[0].steps:,}",
                    f"{arm.seconds:.0f} s",
                    f"{arm.peak_memory / 2**20:.0f} MiB",
                )
                for name, arm in arms.items()
            ],
        )


def _ratios(found: Found) -> str:
    rows = [(f"{ratio} : 1", _accuracy(arm), _rate(arm.unseen)) for ratio, arm in found.ratios.items()]
    return "## alpha : rank, with LoRA\n\n" + _table(("alpha : rank", "executable accuracy", "on quakes"), rows)


def _adapted(found: Found) -> str:
    sits = {"all-linear": "every linear layer (here)", "attention": "the attention's q and v (the recipe's)"}
    rows = [(sits[modules], _accuracy(arm), _rate(arm.unseen)) for modules, arm in found.adapted.items()]
    return "## Which layers get adapters, with LoRA\n\n" + _table(
        ("adapters on", "executable accuracy", "on quakes"), rows
    )


def _tuned(size: Size, found: Found) -> str:
    """How the learning rates were chosen, and which arms were not tuned."""
    source, target = size.directions[0]
    tried = "; ".join(f"{modality} {', '.join(f'{r:g}' for r in rates)}" for modality, rates in size.rates.items())
    all_largest = all(found.rates[modality] == max(rates) for modality, rates in size.rates.items())
    largest = " It is the largest of those tried" if all_largest else " Rates tried"
    top = max(found.ratios)
    lost = 100 * (found.ratios[4].accuracy - found.ratios[top].accuracy)
    gap = f": {top} : 1 is {lost:.0f} points below 4 : 1 at the same rate, and a lower rate may close part of the gap"
    return f"""\
The learning rate of each modality was chosen with DSS at alpha : rank 4 : 1 and adapters on all linear layers, on
{source} → {target} only.{largest}
({tried}).
The other ratios and the q-and-v arm were not tuned separately{gap if lost > 0 else ""}.
"""


def _curve(found: Found) -> str:
    sizes = list(dict.fromkeys(rows for rows, _ in found.curve))
    noises = list(dict.fromkeys(noise for _, noise in found.curve))
    rows = [(f"{size:,}", *(_accuracy(found.curve[size, noise]) for noise in noises)) for size in sizes]
    return (
        "## The learning curve: training rows and corrupted answers\n\n"
        "Full fine-tuning with DSS, with the same number of steps everywhere. A corrupted record has the answer and "
        "the rationale of another one. "
        f"The last row uses all records that curation accepted out of {sizes[-1]:,} questions.\n\n"
        + _table(("rows", *(f"{noise} % corrupted" for noise in noises)), rows)
    )


def _memory(found: Found) -> str:
    rows = [
        (
            saving.model,
            *(f"{_mib(peaks.planned)} / {_mib(peaks.mean)}" for peaks in (saving.full, saving.lora)),
            f"{saving.planned:.0%} / {statistics.fmean(saving.measured):.0%}",
        )
        for saving in found.memory
    ]
    return (
        f"## Memory: full fine-tuning and LoRA\n\nPlanned / measured, on the CPU in fp32 at {TOKENS}.\n\n"
        + _table(("model, hidden × layers", "full", "LoRA", "LoRA saves"), rows)
        + "\n"
        + _card()
    )


def _card() -> str:
    """The limit of the claim about a 24 GB card."""
    plain, checkpointing = card_need(sequences=4), card_need(sequences=4, checkpointing=True)
    return f"""\
On a 24 GB card, a 7B decoder with QLoRA can train on two sequences of 1,024 tokens per step: one record of DSS, or two
of the label alone. Two records of DSS of that length need {plain:.1f} GiB according to the plan, or
{checkpointing:.1f} GiB with gradient checkpointing.
"""


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _accuracy(arm: Arm) -> str:
    """Mean over the seeds, and their standard deviation."""
    values = [100 * value for value in arm.accuracies]
    return (
        f"{statistics.fmean(values):.1f} % ± {statistics.stdev(values):.1f}"
        if len(values) > 1
        else f"{values[0]:.1f} %"
    )


def _rate(verdicts: Verdicts) -> str:
    shares = [statistics.fmean(v.correct for v in kept) for verdict in verdicts if (kept := _counted(verdict))]
    return f"{100 * statistics.fmean(shares):.1f} %" if shares else "not checked"


def _counted(verdicts: Mapping[str, Verdict]) -> list[Verdict]:
    return [v for v in verdicts.values() if not why_uncounted(v)]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])
