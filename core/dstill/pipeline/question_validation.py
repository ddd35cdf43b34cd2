"""Checks across a user's rows: unique ids, and one answer for each question.

refuse_duplicates([("q.jsonl", 1), ("q.jsonl", 2)], [Example(id="a", …), Example(id="a", …)])
DataError: duplicate ids: 1 ids in 2 rows; first 'a' in rows 1 and 2
require_unique_ids([Example(id="a", split="train", …), Example(id="a", split="test", …)])
DataError: two questions have the id 'a': '…' of train, and '…' of test
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from dstill.api.records import Example, Record
from dstill.errors import DataError
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["refuse_contradictions", "refuse_duplicates", "require_unique_ids"]

Place = tuple[str, int]  # a row's file and its number there


def refuse_duplicates(places: Sequence[Place], examples: Sequence[Example]) -> None:
    """Raises DataError when two rows have one id. `places`: the file and number of each row."""
    rows: dict[str, list[Place]] = defaultdict(list)
    for place, example in zip(places, examples, strict=True):
        rows[example.id].append(place)
    twice = {id: found for id, found in rows.items() if len(found) > 1}
    if twice:
        id, found = next(iter(twice.items()))
        raise DataError(
            f"duplicate ids: {len(twice)} ids in {sum(map(len, twice.values()))} rows; "
            f"first '{id}' in {_two(found[0], found[1])}",
            where=f"{found[1][0]}:{found[1][1]}",
            hint="give each row a unique id, or remove the column",
        )


def require_unique_ids(rows: Iterable[Example | Record]) -> None:
    """Raises DataError when two rows of any splits have one id: the files of a run are joined by id."""
    first: dict[str, Example | Record] = {}
    for row in rows:
        if (other := first.setdefault(row.id, row)) is not row:
            one, another = (f"'{one.question[:80]}' of {one.split or 'no split'}" for one in (other, row))
            raise DataError(
                f"two questions have the id '{row.id}': {one}, and {another}",
                where=f"id '{row.id}'",
                hint="give each question an id that is unique in all splits",
            )


def refuse_contradictions(places: Sequence[Place], examples: Sequence[Example]) -> None:
    """Raises DataError when a question about the same data has two answers; spellings of the same JSON are equal."""
    golds: dict[str, dict[str, Place]] = defaultdict(dict)
    for place, example in zip(places, examples, strict=True):
        if example.answer is not None:
            golds[dumps([example.question, example.context])].setdefault(_normalized(example.answer), place)
    several = [list(found.values()) for found in golds.values() if len(found) > 1]
    if several:
        first, second = several[0][:2]
        question = examples[places.index(first)].question
        raise DataError(
            f"different answers to one question: {len(several)} question{'s' if len(several) > 1 else ''}; first "
            f"'{question[:80]}' in {_two(first, second)}",
            where=f"{second[0]}:{second[1]}",
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
