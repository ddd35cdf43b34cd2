"""Questions that were written one by one, about indices that were made up for them. The base is trained on them.

    NAMES                   ("bakery", "beehives", …)
    index("bakery")         Index(name="bakery", mapping=…, given_values=…), without documents
    questions("bakery")     [Example(question="which bread sells best", answer='{"size":0,…}', category="terms"), …]

Templates make grammar and little else. These questions have what people add to it: slang, roundabout words, facts that
everybody knows, more than one sentence. Each folder has ``mapping.json`` (with ``_meta``: now, description),
``values.json`` (a values file) and ``questions.jsonl`` (rows of question, answer, category).

    python -m tools.base.querydsl.written bakery beehives      # checks answers and their round trip in the linked form

None of the indices is in a domain of a development set or a held-out set, and nobody who writes questions reads those.
"""

from __future__ import annotations

import json
from pathlib import Path

from dstill.api.records import Example
from dstill.api.values import Values
from dstill.io.strict_json import loads
from dstill_querydsl.bundle.indices import SETTINGS, Index

__all__ = ["COUNT", "NAMES", "index", "questions"]

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/questions.jsonl")))
COUNT = sum(
    (FOLDER / name / "questions.jsonl").read_text(encoding="utf-8").count("\n") for name in NAMES
)  # of questions


def index(name: str) -> Index:
    """The index of that name. Raises OSError if there is none."""
    mapping = loads((FOLDER / name / "mapping.json").read_text(encoding="utf-8"))
    return Index(
        name=name,
        mapping=mapping,
        settings=SETTINGS,
        now=mapping["_meta"]["now"],
        documents=tuple,
        given_values=Values.read(loads((FOLDER / name / "values.json").read_text(encoding="utf-8")), name),
    )


def questions(name: str) -> list[Example]:
    """The questions about that index, in the order of the file. Raises OSError if there are none."""
    about = index(name)
    context = {"mapping": about.mapping, "values": about.values.to_json()}
    lines = (FOLDER / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [loads(line) for line in lines]
    return [
        Example(id=f"{name}-{n:03}", context=context, **{**row, "answer": json.dumps(row["answer"])})
        for n, row in enumerate(rows, start=1)
    ]
