"""Questions about the held-out databases, written one by one and without templates: a file for each. They only measure.

    handwritten("festival")     [Example(id="festival-h001", question="which bands come from canada", …), …]

In: ``DATABASE.jsonl``, rows of id, question, answer (in DuckDB's dialect) and category. Out: examples whose context
names the database. Do not train or tune on them, and make no templates from them.
"""

from __future__ import annotations

from pathlib import Path

import sqlglot

from dstill.api.records import Example
from dstill.errors import UsageError, did_you_mean
from dstill.io.strict_json import loads
from dstill_sql.language import refusals
from dstill_sql.language.dialects import Dialect

__all__ = ["HANDWRITTEN", "handwritten"]

FOLDER = Path(__file__).parent
HANDWRITTEN = tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))


def handwritten(name: str, dialect: Dialect = "duckdb") -> list[Example]:
    """The questions about that database, in the order of the file. Raises UsageError if there are none."""
    if name not in HANDWRITTEN:
        raise UsageError(
            f"no hand-written questions about '{name}'.{did_you_mean(name, HANDWRITTEN)}",
            hint=f"give one of {', '.join(HANDWRITTEN)}",
        )
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [Example(**loads(line), context={"db": name}) for line in lines]
    return examples if dialect == "duckdb" else [_translated(example, dialect) for example in examples]


def _translated(example: Example, dialect: Dialect) -> Example:
    answer = example.answer or ""
    if refusals.read(answer):
        return example
    (text,) = sqlglot.transpile(answer, read="duckdb", write=dialect)
    return Example(**{**example.to_row(), "answer": text})
