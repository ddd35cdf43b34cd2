"""`dstill experiment compare A B`."""

from __future__ import annotations

import textwrap
from typing import Any, Mapping, Sequence

import click

from dstill.api.splits import split_name
from dstill.cli.console import emit, note, say, table, width
from dstill.cli.groups import Command
from dstill.cli.options import App, app, json_option
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.shell import command

__all__ = ["compare"]

SHOWN = 3  # gained and lost items of each comparison; --json has all
LONGEST = 300  # characters of a question or an answer on the terminal
WIDEST = 100  # columns of a line of prose


@click.command(cls=Command, examples=["dstill experiment compare runs/first runs/second"])
@click.argument("systems", metavar="A B [C …]", nargs=-1, required=True)
@click.option("--split", "splits", multiple=True, metavar="SET", help="Split to compare on (repeatable).")
@json_option
@app
def compare(found: App, systems: tuple[str, ...], splits: tuple[str, ...], as_json: bool) -> None:
    """Compare evaluated runs question by question.

    Compares every other run with the first, on the same questions.

    
      dstill experiment compare a b                  # two students
      dstill experiment compare a1,a2,a3 b1,b2,b3    # several seeds of each, in the same order
      dstill experiment compare a:nearest a          # a baseline of a run, and its student

    Two systems differ only if both the exact test and the interval say so; otherwise they are "not distinguishable".
    Runs with different questions, engines or data are refused.
    """
    from dstill_evaluate.comparison import compare as compare_arms
    from dstill_evaluate.systems import differences, judges_that_differ, read_arms, sets_of, settings_that_differ

    if len(systems) < 2:
        raise UsageError(
            "one system alone cannot be compared",
            where="compare",
            hint="name another run, or a baseline inside this one: "
            + command("experiment", "compare", f"{systems[0]}:nearest", systems[0]),
        )
    arms = read_arms(systems, found.open)
    sets = _chosen(sets_of(arms), splits)
    if differ := differences(arms, sets):
        more = f"\nand {len(differ) - 8} more" if len(differ) > 8 else ""
        raise DataError(
            "these runs cannot be compared: what they were scored on differs",
            where="\n".join(differ[:8]) + more,
            hint="evaluate both on one dataset and one engine",
        )
    if keys := settings_that_differ(arms):
        note(f"note: settings of the task differ, and some decide how answers are judged: {', '.join(keys)}")
    if judges := judges_that_differ(arms):
        note(f"warning: these runs were judged by different plugins: {'; '.join(judges)}")
    for side in (side for arm in arms for side in arm.sides):
        if side.evaluated.get("invalid"):
            note(f"warning: the evaluation of {side.label} is invalid: {side.evaluated['invalid']}")
    facts = compare_arms(arms, sets)
    items = _items(arms, facts)
    if as_json:
        emit({"engine": arms[0].sides[0].evaluated["engine"], **facts, "items": items})
        return
    _show_table(facts, arms[0].sides[0].evaluated["engine"])
    _show_sentences(facts)
    _show_items(facts, items)


def _chosen(sets: Sequence[str], wanted: Sequence[str]) -> list[str]:
    if not sets:
        raise DataError("these runs were scored on no set in common", where="compare", hint="dstill evaluate RUN")
    wanted = [split_name(name, "--split") for name in wanted]
    for split in wanted:
        if split not in sets:
            raise UsageError(
                f"not every run was scored on '{split}'.{did_you_mean(split, sets)}",
                where="--split",
                hint=f"all were on {', '.join(sets)}",
            )
    return [split for split in sets if not wanted or split in wanted]


def _items(arms: Sequence[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The gained and lost items, with the question, the gold, and what each run answered."""
    first = arms[0].sides[0]

    def shown(id: str, system: str) -> dict[str, Any]:
        record, pair = first.records[id], [arm for arm in arms if arm.label in (arms[0].label, system)]
        answers = {arm.label: [side.predictions[id].text for side in arm.sides] for arm in pair}
        correct = {arm.label: [side.verdicts[id].correct for side in arm.sides] for arm in pair}
        return {"id": id, "question": record.question, "gold": record.answer, "answers": answers, "correct": correct}

    return {
        split: {
            system: {kind: [shown(id, system) for id in ids] for kind, ids in kinds.items()}
            for system, kinds in of_split.items()
        }
        for split, of_split in facts["items"].items()
    }


def _show_table(facts: Mapping[str, Any], engine: str) -> None:
    against, found = facts["against"], {(row["set"], row["system"]): row for row in facts["comparisons"]}
    rows = []
    for split in facts["n_unjudged"]:
        for label, shown in facts["arms"].items():
            of_pair = found.get((split, label))
            cells = _cells(of_pair) if of_pair else ["", "", ""]
            rows.append([split, label, f"{shown[split]['accuracy']['n']:,}", _cell(shown[split]), *cells])
    table(
        ["set", "system", "#n", "#accuracy", "#difference", "#p (Holm)", "#would show"],
        rows,
        title=f"executable accuracy in %, run on {engine}; differences to {against} in points; 95 % intervals",
    )
    left_out = ", ".join(f"{n:,} of {split}" for split, n in facts["n_unjudged"].items() if n)
    if left_out:
        _say_whole(f"Left out for all, as they say nothing of an answer in one of the runs: {left_out}.")
    say()


def _cell(shown: Mapping[str, Any]) -> str:
    from dstill_evaluate.wording import cell

    return cell(shown)


def _cells(row: Mapping[str, Any]) -> list[str]:
    from dstill_evaluate.wording import difference, p_value, points

    return [difference(row), p_value(row["p_holm"]), points(row["detectable"])]


def _show_sentences(facts: Mapping[str, Any]) -> None:
    from dstill_evaluate.wording import sentence

    for row in facts["comparisons"]:
        _say_whole(sentence(row, row["system"], facts["against"]))


def _say_whole(text: str) -> None:
    say(textwrap.fill(text, min(width(), WIDEST), break_long_words=False, break_on_hyphens=False), lines=True)


def _show_items(facts: Mapping[str, Any], items: Mapping[str, Any]) -> None:
    for split, of_split in items.items():
        for system, kinds in of_split.items():
            for kind, rows in kinds.items():
                if not rows:
                    continue
                count = f"{len(rows)}" if len(rows) <= SHOWN else f"{SHOWN} of {len(rows)}; --json has all"
                say(f"\n{kind} by {system} on {split} ({count}):", lines=True)
                for row in rows[:SHOWN]:
                    _say(f"  {row['id']}: {row['question']}")
                    for label, answers in row["answers"].items():
                        marks = zip(answers, row["correct"][label], strict=True)
                        for answer, correct in marks:
                            _say(f"    {label} {'right' if correct else 'wrong'}: {answer or '(nothing)'}")


def _say(text: str) -> None:
    line = " ".join(text.split("\n"))
    say(line if len(line) <= LONGEST else f"{line[:LONGEST]}…")
