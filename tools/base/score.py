"""Scores a student of the kind `linked` on the development sets of a pack (`tools.base.pack`), without adapting it.

    python -m tools.base.score task_packs/dstill_querydsl/base tickets quakes -v

    tickets    n 50   exact 30.0 % (19.1–43.8)   executable 34.0 % (22.4–47.8)   silently wrong 40.0 %   12 s

Executable: the answer has the gold's result on the set's data, without test databases. Silently wrong: it ran with
another result. Intervals are Wilson's at 95 %. Without names, all development sets are scored. ``-v`` also prints each
wrong answer with its gold and cause, and counts the causes; of held-out sets, only the totals are shown.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch

from dstill.api.metric import wilson
from dstill.api.records import Example, Level, Prediction, Verdict
from dstill_linked.making.scoring import answered, linked_setup
from tools.base import pack

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a linked student on development sets")
    parser.add_argument("student", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--pack", default="querydsl", choices=pack.NAMES)
    parser.add_argument("-v", "--verbose", action="store_true", help="print each wrong answer")
    parser.add_argument("--aliases", action="store_true", help="with the recorded other names of each set's values")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    about = pack.load(arguments.pack)
    sets = {**about.development, **about.held_out}
    for name in arguments.names or about.development:
        setup = linked_setup(about, {f"task.{about.task}.aliases": f"bundled:{name}"} if arguments.aliases else {})
        examples = sets[name]()
        started = time.monotonic()
        predictions, verdicts = answered(setup, arguments.student, examples)
        seconds = time.monotonic() - started
        print(f"{name:10} {_scores(verdicts)}   {seconds:.0f} s", flush=True)
        if arguments.verbose and name in about.development:
            print("\n".join(_wrong(zip(examples, predictions, verdicts, strict=True))))
            print("causes:", ", ".join(f"{cause} {n}" for cause, n in _causes(verdicts).most_common()), flush=True)


def _scores(verdicts: list[Verdict]) -> str:
    n = len(verdicts)
    shares = [f"n {n}"]
    for name, hits in (
        ("exact", sum(verdict.exact is True for verdict in verdicts)),
        ("executable", sum(verdict.correct for verdict in verdicts)),
    ):
        low, high = wilson(hits, n)
        shares.append(f"{name} {100 * hits / n:.1f} % ({100 * low:.1f}–{100 * high:.1f})")
    silent = sum(verdict.reached is Level.EXECUTED for verdict in verdicts)
    return "   ".join([*shares, f"silently wrong {100 * silent / n:.1f} %"])


def _wrong(judged: Iterable[tuple[Example, Prediction, Verdict]]) -> Iterable[str]:
    for example, prediction, verdict in judged:
        if not verdict.correct:
            yield f"{example.id}  {example.question}"
            yield f"    gold   {example.answer}"
            yield f"    got    {prediction.text}"
            detail = verdict.cause.detail if verdict.cause else ""
            yield f"    cause  {_label(verdict)}: {detail or verdict.reason}"


def _causes(verdicts: Iterable[Verdict]) -> Counter[str]:
    return Counter(_label(verdict) for verdict in verdicts if not verdict.correct)


def _label(verdict: Verdict) -> str:
    """What went wrong first. Answers to golds that find nothing, or everything, have no cause."""
    return verdict.cause.label if verdict.cause else "none: the gold finds nothing"


if __name__ == "__main__":
    main()
