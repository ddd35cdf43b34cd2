"""The documents, and the questions about them: templates filled with the names and values of each document.

A template has a question, an answer and a rationale. L labels a row, C is a category and v its value, N is a number
and x a bound, T is a list and w a part of it; c, n and t are the words for C, N and T.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import islice, product
from typing import Any

from dstill.api import Example

DATA = files("dstill_jq")
DOCUMENTS, TEMPLATES = (json.loads((DATA / f"{name}.json").read_text()) for name in ("documents", "templates"))
UNSEEN_DATA, ROWS = "trails", {"test": (0, 120), "validation": (120, 180), "train": (180, None)}


def fields(name: str) -> dict[str, list[Any]]:
    """The fields of a document: path → its values, or the bounds of its numbers."""
    return {path: values for kind in "LCNT" for path, values in DOCUMENTS[name][kind].items()}


def document(name: str, seed: int = 0, *bounds: int) -> list[dict[str, Any]]:
    """The rows of a document. Other seeds give other values, and `bounds` are among its numbers."""
    draw, spec = random.Random(f"{name} {seed}"), DOCUMENTS[name]
    columns = dict(spec["L"]) | {path: draw.sample(values * 3, 12) for path, values in spec["C"].items()}
    for path, (low, high) in spec["N"].items():
        columns[path] = list(dict.fromkeys([*bounds, *draw.sample(range(low, high), 12)]))
    columns |= {path: [draw.sample(values, 2) for _ in range(12)] for path, values in spec["T"].items()}
    rows: list[dict[str, Any]] = [{} for _ in range(12)]
    for (path, column), (n, row) in product(columns.items(), enumerate(rows)):
        above, _, last = path[1:].rpartition(".")
        (row.setdefault(above, {}) if above else row)[last] = column[n]
    return rows


def asked(name: str) -> Iterator[Example]:
    """The questions about a document: at most 16 of each template, with drawn values, no question twice."""
    draw, spec = random.Random(name), DOCUMENTS[name]
    for number, (question, answer, why) in enumerate(TEMPLATES["trained"] + TEMPLATES["unseen"]):
        made: dict[str, tuple[str, str]] = {}
        for _ in range(60):
            C, N, T = (draw.choice(list(spec[kind])) for kind in "CNT")
            c, n, t = (path.rpartition(".")[2] for path in (C, N, T))
            (L, names), v, w = *spec["L"].items(), draw.choice(spec["C"][C]), draw.choice(spec["T"][T])
            x, k = draw.randrange(*spec["N"][N]), draw.randint(2, 5)
            words = {"C": C, "N": N, "T": T, "L": L, "c": c, "n": n, "t": t, "v": v, "w": w, "x": x, "k": k}
            words |= {"missing": draw.choice(spec["missing"]), "name": draw.choice(names), **spec["words"]}
            made[question.format(**words)] = answer.format(**words), why.format(**words)
        more = {"template": question, "context": {"document": name, "fields": fields(name)}}
        for n, (text, (gold, reason)) in enumerate(islice(made.items(), 16)):
            yield Example(id=f"{name}-{number}-{n}", question=text, answer=gold, rationale=reason, **more)


def questions(split: str) -> list[Example]:
    """The questions of a split: its templates are unseen, or its document is, or neither."""
    names = [name for name in DOCUMENTS if (name == UNSEEN_DATA) == (split == "test_unseen_data")]
    templates = {made[0] for made in TEMPLATES["unseen" if split == "test_unseen_templates" else "trained"]}
    made = [example for name in names for example in asked(name) if example.template in templates]
    random.Random(0).shuffle(made)
    return [replace(example, split=split) for example in made[slice(*ROWS.get(split, (0, 100)))]]
