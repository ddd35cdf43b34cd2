"""Checks across a user's rows: unique ids, and one answer for each question.

refuse_duplicates([("q.jsonl", 1), ("q.jsonl", 2)], [Example(id="a", …), Example(id="a", …)])
DataError: duplicate ids: 1 ids in 2 rows; first 'a' in rows 1 and 2
require_unique_ids([Example(id="a", split="train", …), Example(id="a", split="test", …)])
DataError: two questions have the id 'a': '…' of train, and '…' of test
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dstill.api.records import Example, Record
from dstill.errors import DataError
from dstill.io.spool import Positions
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["refuse_contradictions", "refuse_duplicates", "require_unique_ids"]

Place = tuple[str, int]  # a row's file and its number there


def refuse_duplicates(places: Sequence[Place], examples: Sequence[Example]) -> None:
    """Raises DataError when two rows have one id. `places`: the file and number of each row."""
    groups = list(Positions(example.id for example in examples).repeated())
    if groups:
        first, second = min(groups)[:2]
        raise DataError(
            f"duplicate ids: {len(groups)} ids in {sum(map(len, groups))} rows; "
            f"first '{examples[first].id}' in {_two(places[first], places[second])}",
            where=f"{places[second][0]}:{places[second][1]}",
            hint="give each row a unique id, or remove the column",
        )


def require_unique_ids(rows: Sequence[Example | Record]) -> None:
    """Raises DataError when two rows of any splits have one id: the files of a run are joined by id."""
    second = min((group[:2][::-1] for group in Positions(row.id for row in rows).repeated()), default=None)
    if second is not None:
        same = [rows[at] for at in reversed(second)]
        first, another = (f"'{row.question[:80]}' of {row.split or 'no split'}" for row in same)
        raise DataError(
            f"two questions have the id '{same[0].id}': {first}, and {another}",
            where=f"id '{same[0].id}'",
            hint="give each question an id that is unique in all splits",
        )


def refuse_contradictions(places: Sequence[Place], examples: Sequence[Example]) -> None:
    """Raises DataError when a question about the same data has two answers; spellings of the same JSON are equal."""
    keys = (None if example.answer is None else dumps([example.question, example.context]) for example in examples)
    several = []
    for group in Positions(keys).repeated():
        golds: dict[str, int] = {}
        for at in group:
            golds.setdefault(_normalized(examples[at].answer or ""), at)
        if len(golds) > 1:
            several.append(list(golds.values())[:2])
    if several:
        first, second = min(several)
        where = places[second]
        raise DataError(
            f"different answers to one question: {len(several)} question{'s' if len(several) > 1 else ''}; first "
            f"'{examples[first].question[:80]}' in {_two(places[first], where)}",
            where=f"{where[0]}:{where[1]}",
            hint="keep the right answer; if the questions are about different data, name the data in their context",
        )


def _normalized(answer: str) -> str:
    try:
        return json.dumps(loads(answer), sort_keys=True)
    except NotStrict:
        return answer.strip()


def _two(first: Place, second: Place) -> str:
    """Two rows in words; the file of the second one is in the error anyway."""
    return f"rows {first[1]}{'' if first[0] == second[0] else f' of {first[0]}'} and {second[1]}"
