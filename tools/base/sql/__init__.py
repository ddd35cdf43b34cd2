"""What the base of the SQL pack is trained on: endless rows about invented, bundled and written databases.

Held-out databases, and the templates of `test_unseen_templates`, are in none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from random import Random

import dstill_sql
from dstill.api.form import Form, NotExpressible
from dstill.api.records import Example
from dstill_sql.bundle.handwritten import HANDWRITTEN, handwritten
from dstill_sql.pack import Sql
from dstill_sql.protocols.linked import SqlLinked
from dstill_sql.settings import Settings
from tools.base.pack import Answers, Pack
from tools.base.rows import kept, unscored
from tools.base.sql import written

__all__ = ["PACK", "answers", "prepare"]

BUNDLED = 0.1  # share of rows about the bundled databases and their other namings
WRITTEN = 0.3  # share of rows that were written one by one (`tools.base.sql.written`)
QUESTIONS = 24_000  # about the bundled databases
SIZES = (Settings().n_questions, 8_000)  # of the datasets whose scored sets are left out: the default's and the demo's


def prepare(folder: Path) -> Sequence[Example]:
    """The questions about the bundled databases, from `folder` if they are there."""
    return kept(folder, "bundled", lambda: unscored(lambda n: Sql(Settings(n_questions=n)), QUESTIONS, SIZES))


def answers(seed: int, folder: Path) -> Answers:
    """Readings and the tokens of their answers, without end."""
    random = Random(f"base {seed}")
    form = SqlLinked(Sql()).form()
    bundled = _endless(form, random, lambda: prepare(folder))
    by_hand = _endless(form, random, _written)
    invented = form.replay(seed)
    while True:
        drawn = random.random()
        yield next(bundled if drawn < BUNDLED else by_hand if drawn < BUNDLED + WRITTEN else invented)


def _written() -> Iterable[Example]:
    for name in written.TRAINED:
        yield from written.questions(name)


def _endless(form: Form, random: Random, read: Callable[[], Iterable[Example]]) -> Answers:
    """The answers in random order, again and again, without those that the form cannot express."""
    examples, known = list(read()), []
    random.shuffle(examples)
    for example in examples:  # each is read when it is its turn, as all of them take minutes
        reading = form.read(example)
        try:
            known.append((reading, form.encode(example.answer or "", reading)))
        except NotExpressible:
            continue
        yield known[-1]
    while True:
        random.shuffle(known)
        yield from known


PACK = Pack(
    task="sql",
    form=SqlLinked(Sql()).form(),
    folder=Path(dstill_sql.__file__).with_name("base"),
    prepare=prepare,
    answers=answers,
    development={name: partial(written.with_rows, name) for name in written.DEVELOPMENT},
    held_out={name: partial(handwritten, name) for name in HANDWRITTEN},
    settings={"task.sql.test_databases": 0},
    data=f"""Questions about invented databases of many domains, and about the databases that the pack bundles, made by
dstill (`tools/base/sql`); and {written.COUNT:,} questions about {len(written.TRAINED)} other databases that a large
language model wrote one by one (`tools/base/sql/written.jsonl.xz`). Not among them: the held-out databases
`flights` and `festival`, the questions of the test sets of a bundled database, and the hand-written questions of the
scores below.""",
    weaknesses=(
        "It reads at most 96 tables and columns of a schema, those that rank best for the question.",
        "It knows a column by its name, comment, type and known values: with other words it may be missed.",
    ),
)
