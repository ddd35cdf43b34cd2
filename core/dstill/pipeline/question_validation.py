"""Checks across a user's rows: unique ids, and one answer for each question.

refuse_duplicates(Path("q.jsonl"), [1, 2], [Example(id="a", …), Example(id="a", …)])
DataError: duplicate ids: 1 ids in 2 rows; first 'a' in rows 1 and 2
require_unique_ids([Example(id="a", split="train", …), Example(id="a", split="test", …)])
DataError: two questions have the id 'a': '…' of train, and '…' of test
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from dstill.api.records import Example, Record
from dstill.errors import DataError
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["refuse_contradictions", "refuse_duplicates", "require_unique_ids"]


def refuse_duplicates(path: Path, numbers: list[int], examples: list[Example]) -> None:
    """Raises DataError when two rows of the file `path` have one id. `numbers`: their line numbers."""
    rows: dict[str, list[int]] = defaultdict(list)
    for number, example in zip(numbers, examples, strict=True):
        rows[example.id].append(number)
    twice = {id: found for id, found in rows.items() if len(found) > 1}
    if twice:
        id, found = next(iter(twice.items()))
        raise DataError(
            f"duplicate ids: {len(twice)} ids in {sum(map(len, twice.values()))} rows; "
            f"first '{id}' in rows {found[0]} and {found[1]}",
            where=f"{path}:{found[1]}",
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


def refuse_contradictions(path: Path, numbers: list[int], examples: list[Example]) -> None:
    """Raises DataError when a question about the same data has two answers; spellings of the same JSON are equal."""
    golds: dict[str, dict[str, int]] = defaultdict(dict)
    for number, example in zip(numbers, examples, strict=True):
        if example.answer is not None:
            golds[dumps([example.question, example.context])].setdefault(_normalized(example.answer), number)
    several = [list(found.values()) for found in golds.values() if len(found) > 1]
    if several:
        first, second = several[0][:2]
        question = examples[numbers.index(first)].question
        raise DataError(
            f"different answers to one question: {len(several)} question{'s' if len(several) > 1 else ''}; first "
            f"'{question[:80]}' in rows {first} and {second}",
            where=f"{path}:{second}",
            hint="keep the right answer; if the questions are about different data, name the data in their context",
        )


def _normalized(answer: str) -> str:
    try:
        return json.dumps(loads(answer), sort_keys=True)
    except NotStrict:
        return answer.strip()
