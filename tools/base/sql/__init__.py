"""What the base of the SQL pack is trained on: endless rows about invented, bundled and written databases.

Held-out databases, and the templates of `test_unseen_templates`, are in none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random

from dstill.api.form import Form, NotExpressible
from dstill.api.records import Example
from dstill_sql.guard import Limits
from dstill_sql.linked.form import SqlForm
from dstill_sql.pack import Sql
from dstill_sql.questions.references import references_of
from dstill_sql.settings import Settings
from tools.base.rows import Answers, kept, unscored
from tools.base.sql import written

__all__ = ["FORM", "answers", "prepare"]

FORM: Form = SqlForm(lambda _: None, Limits(), references_of)  # for its vocabulary
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
    form = Sql().form()
    bundled = _endless(form, random, lambda: prepare(folder))
    by_hand = _endless(form, random, _written)
    invented = form.replay(seed)
    while True:
        drawn = random.random()
        yield next(bundled if drawn < BUNDLED else by_hand if drawn < BUNDLED + WRITTEN else invented)


def _written() -> Iterable[Example]:
    for name in written.NAMES:
        if name not in written.DEVELOPMENT:
            yield from written.questions(name)


def _endless(form: Form, random: Random, read: Callable[[], Iterable[Example]]) -> Answers:
    """The answers of these questions in random order, again and again. Those that the form cannot express are skipped."""
    known = []
    for example in read():
        reading = form.read(example)
        try:
            known.append((reading, form.encode(example.answer or "", reading)))
        except NotExpressible:
            continue
    while True:
        random.shuffle(known)
        yield from known
