"""What the base of the SQL pack is trained on: endless rows about invented and written databases.

No bundled database, and no template of `test_unseen_templates`, is in them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import dstill_sql
from dstill.api.form import Form, NotExpressible
from dstill.api.records import Example
from dstill_linked.making.data import Answers
from dstill_sql.bundle.handwritten import HANDWRITTEN, handwritten
from dstill_sql.pack import Sql
from dstill_sql.protocols.linked import SqlLinked
from dstill_sql.questions.formal import formal
from dstill_sql.questions.formal.subject import subject_of
from dstill_sql.questions.lexicon import Lexicon
from dstill_sql.questions.references import references_of
from tools.base.pack import Pack
from tools.base.sql import written

__all__ = ["PACK", "answers"]

# Shares of rows; the others are about invented databases
WRITTEN = 0.4  # written one by one (`tools.base.sql.written`)
FORMAL = 0.12  # formal questions about the databases that were made up for the written ones


def answers(seed: int) -> Answers:
    """Readings and the tokens of their answers, without end."""
    random = Random(f"base {seed}")
    form = SqlLinked(Sql()).form()
    sources = (_written(form, random), _formal(form, random), form.replay(seed))
    shares = (WRITTEN, FORMAL, 1 - WRITTEN - FORMAL)
    while True:
        yield next(random.choices(sources, shares)[0])


def _formal(form: Form, random: Random) -> Answers:
    """Formal questions about the same databases."""
    subjects = {}
    for name in written.TRAINED:
        schema = written.database(name).schema
        references = references_of(schema)
        subjects[name] = subject_of(written.database(name), Lexicon.of(schema, references), references), schema
    while True:
        name = random.choice(written.TRAINED)
        question, answer = formal(*subjects[name], random)
        reading = form.read(Example(id="", question=question, context=written.context(name)))
        try:
            yield reading, form.encode(answer, reading)
        except NotExpressible:
            continue


def _written(form: Form, random: Random) -> Answers:
    """The written questions in random order, again and again, without those that the form cannot express."""
    examples = [example for name in written.TRAINED for example in written.questions(name)]
    while True:
        random.shuffle(examples)
        for example in examples:  # read again each time: all readings are gigabytes
            reading = form.read(example)
            try:
                yield reading, form.encode(example.answer or "", reading)
            except NotExpressible:
                continue


PACK = Pack(
    task="sql",
    form=SqlLinked(Sql()).form(),
    folder=Path(dstill_sql.__file__).with_name("base"),
    answers=answers,
    development={name: partial(written.with_rows, name) for name in written.DEVELOPMENT},
    held_out={name: partial(handwritten, name) for name in HANDWRITTEN},
    settings={"task.sql.test_databases": 0},
    about=f"""Questions about invented databases of many domains, formal and free, made by dstill (`tools/base/sql`);
formal questions about {len(written.TRAINED)} other databases; and {written.COUNT:,} questions about these that a large
language model wrote one by one (`tools/base/sql/written.jsonl.xz`). The training began with the weights of an earlier
base, which had also learnt questions about the bundled databases that are not held out. Not among them: the held-out
databases `flights` and `festival`, the questions of the test sets of a bundled database, and the questions of the
scores below.""",
    weaknesses=(
        "It reads at most 96 tables and columns of a schema, those that rank best for the question.",
        "It knows a column by its name, comment, type and known values: with other words it may be missed.",
    ),
)
