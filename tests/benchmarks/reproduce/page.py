"""The page of the reproduction: tables with intervals, claims with verdicts, and what this size cannot show.

page(lab, found, minutes)  →  Markdown, as docs/benchmark.md
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from tests.benchmarks.reproduce.claims import Part
from tests.benchmarks.reproduce.experiments import LONGER, Found
from tests.benchmarks.reproduce.lab import UNSEEN, Arm
from tests.benchmarks.reproduce.memory import TOKENS, card_need
from tests.benchmarks.reproduce.size import RECIPE, Size

from dstill.api.records import Verdict
from dstill_evaluate.metrics import why_uncounted
from dstill_sweep.comparing import Verdicts

__all__ = ["page"]

INTRODUCTION = """\
# The benchmark: the recipe's claims, put to the test

    make reproduce             # hours on two cores; goes on where it was stopped
    make reproduce QUICK=1     # minutes: shows that all of it runs; its figures say nothing

The paper's data is not public, so dstill measures its claims on its own bundled indices, by what the answers *do* when
they are run. An adapter on random weights learns nothing, so each modality is measured as people use adapters: a `tiny`
base (a T5 of a million parameters) is trained in full on one index, then frozen, and adapted to another, whose
fields, values and wordings it has never seen. `quakes` is in no training: its column says what is left on an index that
nobody trained for.

## What this size can and cannot show

A model of a million parameters is thousands of times smaller than those that the recipe was written for. It shows
which way an effect points when everything else is equal, and how large it is *here*; it does not show that a 7B model
gains as much, or at all. Rationales of the synthetic teacher are short and exact, a large model's are longer and
sometimes wrong. 4-bit weights lose more, in proportion, the smaller a matrix is. A claim is **held** where its whole
95 % interval lies on the claimed side of the margin, **not held** where it lies on the other, and else **cannot be told
at this size**: then the interval says what is still possible. A claim of several parts is held only if every part is,
and not held as soon as one part is not. Plans are arithmetic and have no interval; the 7B one stands with what it may
be off by.

An interval draws whole question templates anew, and seeds with them (a bootstrap's percentiles); each stands by itself,
uncorrected for how many there are. Three seeds are few for that: where trainings of one recipe differ much, such an
interval is too narrow. Measured memory stands with the range of its measurements.

After ± stands the standard deviation over the seeds. Claims compare the questions that could be judged in every trial
of both arms, so that their differences may be other than those of the tables by some tenths. Base weights of a million
parameters take 4 MB: at this size activations are the memory, and adapters on every linear layer add theirs. What LoRA
saves where weights weigh is in the last table.
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
All trainings, but for the arm that says otherwise: {settings}
(the recipe's own: alpha 0.5, adapters on the attention's q and v, a dropout of 0.1). The learning rate of each
modality is the best of those tried on the validation set with one seed ({rates}; adapters at 4 : 1).
{minutes:.0f} minutes in all.
What every trial answered rightly, item by item, is in [benchmark.jsonl](benchmark.jsonl), the claims' figures in
[claims.json](claims.json).
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
    """What DSS lost to more steps of the label alone, where these still help."""
    gains = {
        way: 100
        * (statistics.fmean(arms[f"full, {LONGER}"].accuracies) - statistics.fmean(arms["full, label-only"].accuracies))
        for way, arms in found.modality.items()
    }
    if min(gains.values()) > 0:
        gained = " and ".join(f"{gain:+.1f} points ({way})" for way, gain in gains.items())
        yield f"""\
After {size.steps:,} steps training is not at its end: twice the steps give the label alone {gained}. A record of DSS is
two sequences, so DSS against the label alone at twice the steps says where the next sequences are better spent, not
which of them ends higher.
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
    return "## Where the adapters sit, with LoRA\n\n" + _table(
        ("adapters on", "executable accuracy", "on quakes"), rows
    )


def _tuned(size: Size, found: Found) -> str:
    """What the learning rates were not looked for on."""
    source, target = size.directions[0]
    tried = "; ".join(f"{modality} {', '.join(f'{r:g}' for r in rates)}" for modality, rates in size.rates.items())
    all_largest = all(found.rates[modality] == max(rates) for modality, rates in size.rates.items())
    largest = ", and is the largest of those tried" if all_largest else ", of those tried"
    top = max(found.ratios)
    lost = 100 * (found.ratios[4].accuracy - found.ratios[top].accuracy)
    gap = f": {top} : 1 lies {lost:.0f} points below 4 : 1 at the same rate, and a lower one may close part of the gap"
    return f"""\
The learning rate of each modality was found with DSS at alpha : rank 4 : 1, adapters on all linear layers, {source} →
{target} alone{largest}
({tried}).
The other ratios and the arm on q and v were not tuned by themselves{gap if lost > 0 else ""}.
"""


def _curve(found: Found) -> str:
    sizes = list(dict.fromkeys(rows for rows, _ in found.curve))
    noises = list(dict.fromkeys(noise for _, noise in found.curve))
    rows = [(f"{size:,}", *(_accuracy(found.curve[size, noise]) for noise in noises)) for size in sizes]
    return (
        "## The learning curve: training rows and corrupted answers\n\n"
        "Full fine-tuning with DSS, as many steps for all; a corrupted record has answer and rationale of another. "
        f"The last line is what curation leaves of {sizes[-1]:,} questions.\n\n"
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
    """Where the claim about the card ends."""
    plain, checkpointing = card_need(sequences=4), card_need(sequences=4, checkpointing=True)
    return f"""\
On a card of 24 GB a 7B decoder with QLoRA takes two sequences of 1,024 tokens a step: one record of DSS, or two of the
label alone. For two records of DSS of that length the plan says {plain:.1f} GiB, or {checkpointing:.1f} GiB with
gradient checkpointing.
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
    shares = [statistics.fmean(v.correct for v in kept) for one in verdicts if (kept := _counted(one))]
    return f"{100 * statistics.fmean(shares):.1f} %" if shares else "not checked"


def _counted(verdicts: Mapping[str, Verdict]) -> list[Verdict]:
    return [v for v in verdicts.values() if not why_uncounted(v)]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])
