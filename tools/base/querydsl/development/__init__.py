"""Development sets: questions about small indices of other domains than the bundled ones, which developers may read.

    NAMES                   ("clinic", "football", …)
    index("tickets")        Index(name="tickets", mapping=…, documents=…), 200 documents
    questions("tickets")    [Example(id="tickets-d001", question="how's bob doing this month", answer=…), …], 50

`python -m tools.base.score` scores a student on them. They are read to find what the base cannot do, so their score
says nothing about questions that nobody has read. Do not train on them, and make no templates from them.

Each folder has the index's ``mapping.json`` and ``questions.jsonl`` (id, question, answer, category), written one by
one. `make_documents` makes the documents.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from dstill.api.records import Example, TestDatabase
from dstill.io.strict_json import loads
from dstill_querydsl.bundle.indices import SETTINGS, Index
from tools.base.querydsl.development.make_documents import COUNT, MAKERS, SEED, documents

__all__ = ["NAMES", "index", "questions"]

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(MAKERS))


@cache
def index(name: str) -> Index:
    """The index of that name. Raises KeyError."""
    pairs = documents(name)
    mapping = loads((FOLDER / name / "mapping.json").read_text(encoding="utf-8"))
    return Index(
        name=name,
        mapping=mapping,
        settings=SETTINGS,
        now=mapping["_meta"]["now"],
        documents=lambda: pairs,
        recipe=f"development {SEED}, {COUNT} documents, {hashlib.sha256(json.dumps(pairs).encode()).hexdigest()}",
    )


def questions(name: str) -> list[Example]:
    """The questions about that index, in the order of the file. Raises KeyError.

    The context gives the mapping and the values as a user's index does, and the documents as a test database, so that
    answers run on the embedded engine.
    """
    about = index(name)
    database = TestDatabase(name=name, data={"documents": about.documents(), "now": about.now, "settings": SETTINGS})
    context = {
        "index": name,
        "mapping": about.mapping,
        "values": about.values.to_json(),
        "test_database": database,
    }
    lines = (FOLDER / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [Example(**loads(line), context=context) for line in lines]
