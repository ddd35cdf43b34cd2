"""What is trained, in order, and what it says of each claim.

    found = run(lab)      # hours; found.tables and found.claims go to the page and to claims.json

1. a learning rate for each modality, of three, on the validation set with one seed
2. modality × objective, weblogs → movies and movies → weblogs; in full the label alone also at twice the steps
3. LoRA at several alpha : rank, and on the attention's q and v alone
4. the learning curve: training rows × corrupted answers, full fine-tuning with DSS
5. memory: planned and measured, by model size; a 7B decoder on 24 GB
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.reproduce import memory
from benchmarks.reproduce.claims import Claim, points
from benchmarks.reproduce.lab import Arm, Lab

from dstill_evaluate.comparison import Verdicts, correctness, judged_in_all
from dstill_evaluate.paired_tests import Paired, paired

__all__ = ["Found", "run"]

OBJECTIVES = ("dss", "label-only")
LONGER = "label-only, twice the steps"
STEADY = 5.0  # points that alpha : rank = 4 : 1 may lie below another and still be steady
CLOSE = 5.0  # points that few clean rows may lie below many noisy ones
WITHIN = 0.95  # of full fine-tuning's accuracy


@dataclass(kw_only=True)
class Found:
    rates: dict[str, float] = field(default_factory=dict)
    modality: dict[str, dict[str, Arm]] = field(default_factory=dict)  # direction → "lora, dss" → arm
    ratios: dict[int, Arm] = field(default_factory=dict)
    adapted: dict[str, Arm] = field(default_factory=dict)  # train.target_modules → arm
    curve: dict[tuple[int, int], Arm] = field(default_factory=dict)  # rows, noise
    memory: list[memory.Saving] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


def run(lab: Lab) -> Found:
    found = Found()
    source, target = lab.size.directions[0]
    first = lab.adaptation(source, target)
    found.rates = _learning_rates(lab, first)
    for one, other in lab.size.directions:
        found.modality[f"{one} → {other}"] = lab.arms(lab.adaptation(one, other), _modalities(lab, found.rates))
    found.ratios = _ratios(lab, found.rates, first)
    found.adapted = lab.arms(first, _adapted(found.rates))
    found.curve = _curve(lab, found.rates, source, target)
    found.memory = lab.savings()
    found.claims = _claims(lab, found)
    return found


# --- what is trained --------------------------------------------------------------------


def _learning_rates(lab: Lab, parent: Any) -> dict[str, float]:
    wanted = {
        f"{modality} {rate:g}": {"train.modality": modality, "train.learning_rate": rate, "train.objective": "dss"}
        for modality, rates in lab.size.rates.items()
        for rate in rates
    }
    tried = lab.arms(parent, wanted, split="validation")
    return {
        modality: max(rates, key=lambda rate, m=modality: tried[f"{m} {rate:g}"].accuracy)  # type: ignore[misc]
        for modality, rates in lab.size.rates.items()
    }


def _modalities(lab: Lab, rates: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    wanted: dict[str, dict[str, Any]] = {}
    for modality, rate in rates.items():
        changes = {"train.modality": modality, "train.learning_rate": rate}
        for objective in OBJECTIVES:
            wanted[f"{modality}, {objective}"] = {**changes, "train.objective": objective}
        if modality == "full":  # dear, as it takes twice as long: once is enough
            longer = {**changes, "train.objective": "label-only", "train.max_steps": 2 * lab.size.steps}
            wanted[f"{modality}, {LONGER}"] = longer
    return wanted


def _lora(rates: Mapping[str, float]) -> dict[str, Any]:
    return {"train.modality": "lora", "train.objective": "dss", "train.learning_rate": rates["lora"]}


def _adapted(rates: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    return {"all-linear": _lora(rates), "attention": {**_lora(rates), "train.target_modules": "attention"}}


def _ratios(lab: Lab, rates: Mapping[str, float], parent: Any) -> dict[int, Arm]:
    recipe = parent.settings.train
    wanted: dict[str, dict[str, Any]] = {}
    for ratio in lab.size.ratios:
        own = ratio * recipe.r != recipe.lora_alpha  # the recipe's own ratio is among the modalities already
        wanted[str(ratio)] = {**_lora(rates), **({"train.lora_alpha": ratio * recipe.r} if own else {})}
    return {int(ratio): arm for ratio, arm in lab.arms(parent, wanted).items()}


def _curve(lab: Lab, rates: Mapping[str, float], source: str, target: str) -> dict[tuple[int, int], Arm]:
    changes = {"train.modality": "full", "train.objective": "dss", "train.learning_rate": rates["full"]}
    return {
        (rows, noise): lab.arms(lab.adaptation(source, target, rows=rows, noise=noise), {"": changes})[""]
        for rows in lab.size.curve
        for noise in lab.size.noise
    }


# --- what it says -----------------------------------------------------------------------


def _claims(lab: Lab, found: Found) -> list[Claim]:
    seeds = lab.size.seeds
    ways = found.modality.items()
    most, few = max(lab.size.curve), lab.size.clean
    return [
        Claim(
            name="order",
            statement="full fine-tuning is better than LoRA, and LoRA better than QLoRA",
            margin="none",
            seeds=seeds,
            parts=tuple(
                points(f"{better} − {worse}, {way}", _paired(arms, better, worse), above=0.0)
                for way, arms in ways
                for better, worse in (("full", "lora"), ("lora", "qlora"))
            ),
        ),
        Claim(
            name="lora-within-5-percent",
            statement="LoRA's accuracy is within 5 % of full fine-tuning's",
            margin="5 % of full fine-tuning's accuracy",
            seeds=seeds,
            parts=tuple(
                points(f"lora − 0.95 · full, {way}", _paired(arms, "lora", "full", scale=WITHIN), above=0.0)
                for way, arms in ways
            ),
        ),
        Claim(
            name="dss-beats-label-only",
            statement="Distilling Step-by-Step beats the label alone",
            margin="none",
            seeds=seeds,
            parts=tuple(
                points(
                    f"dss − {other}, {modality}, {way}", compared(_of(arms, modality), arms[name].verdicts), above=0.0
                )
                for way, arms in ways
                for modality, other in (("full", "label-only"), ("full", LONGER), ("lora", "label-only"))
                for name in [f"{modality}, {other}"]
            ),
        ),
        Claim(
            name="alpha-rank-steady",
            statement="alpha : rank = 4 : 1 is a safe choice: no other ratio is much better",
            margin=f"{STEADY:g} points",
            seeds=seeds,
            parts=tuple(
                points(f"4 : 1 − {ratio} : 1", compared(found.ratios[4].verdicts, arm.verdicts), above=-STEADY)
                for ratio, arm in found.ratios.items()
                if ratio != 4
            ),
        ),
        Claim(
            name="few-clean-match-many-noisy",
            statement=f"{few} clean examples match {most:,} with corrupted answers",
            margin=f"{CLOSE:g} points",
            seeds=seeds,
            parts=tuple(
                points(
                    f"{few} clean − {most:,} with {noise} % corrupted",
                    compared(found.curve[few, 0].verdicts, found.curve[most, noise].verdicts),
                    above=-CLOSE,
                )
                for noise in lab.size.noise
                if noise
            ),
        ),
        memory.saving_claim(found.memory),
        memory.card_claim(),
    ]


def _of(arms: Mapping[str, Arm], modality: str) -> Verdicts:
    return arms[f"{modality}, dss"].verdicts


def _paired(arms: Mapping[str, Arm], a: str, b: str, *, scale: float = 1.0) -> Paired:
    return compared(_of(arms, a), _of(arms, b), scale=scale)


def compared(a: Verdicts, b: Verdicts, *, scale: float = 1.0) -> Paired:
    """Arm `a` against arm `b` times `scale` (0.95: is `a` within 5 % of `b`?), on items that count in every trial."""
    ids = judged_in_all([a, b])
    second = [[scale * value for value in row] for row in correctness(b, ids)]
    return paired(correctness(a, ids), second, [a[0][id].template or id for id in ids])
