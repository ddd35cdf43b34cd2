"""Questions that were written one by one, about indices that were made up for them. The base is trained on them.

    NAMES                   ("bakery", "beehives", …)
    index("bakery")         Index(name="bakery", mapping=…, given_values=…), without documents
    questions("bakery")     [Example(question="which bread sells best", answer='{"size":0,…}', category="terms"), …]

Templates make grammar and little else. These questions have what people add to it: slang, roundabout words, facts that
everybody knows, more than one sentence. Each index has ``mapping.json`` (with ``_meta``: now, description),
``values.json`` (a values file) and ``questions.jsonl`` (rows of question, answer, category). All of them are in
``written.jsonl.xz``; `tools.base.written` unpacks it for editing, and checks answers.

None of the indices is in a domain of a development set or a held-out set, and nobody who writes questions reads those.
"""

from __future__ import annotations

import json

from dstill.api.records import Example
from dstill.api.values import Values
from dstill.io.strict_json import loads
from dstill_querydsl.bundle.indices import SETTINGS, Index
from tools.base.written import sets

__all__ = ["COUNT", "NAMES", "index", "questions"]

SETS = sets("querydsl")
NAMES = tuple(SETS)
COUNT = sum(files["questions.jsonl"].count("\n") for files in SETS.values())  # of questions


def index(name: str) -> Index:
    """The index of that name. Raises KeyError if there is none."""
    mapping = loads(SETS[name]["mapping.json"])
    return Index(
        name=name,
        mapping=mapping,
        settings=SETTINGS,
        now=mapping["_meta"]["now"],
        documents=tuple,
        given_values=Values.read(loads(SETS[name]["values.json"]), name),
    )


def questions(name: str) -> list[Example]:
    """The questions about that index, in the order of the file. Raises KeyError if there are none."""
    about = index(name)
    context = {"mapping": about.mapping, "values": about.values.to_json()}
    rows = [loads(line) for line in SETS[name]["questions.jsonl"].splitlines()]
    return [
        Example(id=f"{name}-{n:03}", context=context, **{**row, "answer": json.dumps(row["answer"])})
        for n, row in enumerate(rows, start=1)
    ]
