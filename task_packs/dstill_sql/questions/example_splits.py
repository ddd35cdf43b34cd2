"""The splits of questions for a configuration, which `Sql.examples` gives.

    splits_of(Settings(), seed=0)["test_unseen_templates"]     about the bundled databases, of held-out templates
    unseen_data(Settings(), seed=0)                            about the databases that no base is trained on

Training is also about other namings of the bundled databases, so that a student has to read the schema. A database of
the user has no split with unseen data, since there is no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from dstill.api.records import Example
from dstill.errors import UsageError, did_you_mean
from dstill_sql import bundle
from dstill_sql.language.database.context import database_of
from dstill_sql.language.database.database import Database, Rows
from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.entities import View
from dstill_sql.questions.generate import Source, questions, splits
from dstill_sql.questions.invented_rows import own_view
from dstill_sql.questions.tally import Tally
from dstill_sql.settings import Settings

__all__ = ["bundled_source", "splits_of", "synthesized", "unseen_data"]

_VARIANT = 0.4  # how often another naming of a database is drawn, for once the usual one
_MOST_UNSEEN = 300  # most questions about unseen data, and at most a twentieth of the training questions


def bundled_source(name: str, dialect: Dialect, weight: float = 1.0) -> Source:
    """A bundled database, or another naming of it."""
    source = bundle.invented(name, dialect)
    database: Database = source.database
    assert isinstance(database.data, Rows)
    now = datetime.fromisoformat(database.now)
    view = View.of(database, source.lexicon, source.references, database.data.read(), now)
    return Source(view=view, context={"db": name}, weight=weight)


def _own(database: Database, name: str, context: Mapping[str, Any], seed: int, tally: Tally) -> Source:
    own = own_view(database, seed)
    tally.remarks += own.remarks
    return Source(view=own.view, context={"db": name, **context})


def splits_of(config: Settings, seed: int) -> Mapping[str, list[Example]]:
    """Split → questions, for all splits except `test_unseen_data`. Raises DataError and UsageError."""
    if config.schema:
        database = database_of({"db": config.db}, config)
        assert database is not None
        source = _own(database, config.db, {}, seed, Tally())
        return splits([source], config.n_questions, seed, config.dialect, name=config.db or "own")
    names = _trained(config.db)
    usual = [bundled_source(name, config.dialect) for name in names]
    others = [
        bundled_source(f"{name}/{number}", config.dialect, _VARIANT)
        for name in names
        for number in range(1, bundle.VARIANTS + 1)
        if name in bundle.TRAINED
    ]
    name = config.db or "bundled"
    return splits(usual, config.n_questions, seed, config.dialect, name=name, variants=others)


def _trained(name: str) -> tuple[str, ...]:
    if not name:
        return bundle.TRAINED
    if name not in bundle.NAMES:
        raise UsageError(
            f"'{name}' is not a bundled database.{did_you_mean(name, bundle.NAMES)}",
            where="task.sql.db",
            hint="give the schema of your own database with task.sql.schema",
        )
    return (name,)


def unseen_data(config: Settings, seed: int) -> list[Example]:
    """Questions of `test_unseen_data`: about databases that are not trained on."""
    if config.schema:
        return []
    sources = [bundled_source(name, config.dialect) for name in bundle.HELD_OUT if name != config.db]
    count = min(_MOST_UNSEEN, max(1, config.n_questions // 20))
    examples = questions(sources, count, seed, config.dialect, name="unseen")
    return [replace(example, split="test_unseen_data") for example in examples]


def synthesized(context: Mapping[str, Any], config: Settings, n: int, seed: int, tally: Tally) -> list[Example]:
    """Questions about the database of a context: the user's own, or a bundled one; without a name, all for training.

    Raises DataError and UsageError.
    """
    focus = context.get("focus")
    name = str(context.get("db", ""))
    own = {key: context[key] for key in ("schema", "values", "now") if key in context}
    if "values" in own and "schema" not in own:
        raise UsageError("--values needs the schema of the database", where="--values", hint="give --schema too")
    if not name and not own and not config.schema:
        sources = [bundled_source(name, config.dialect) for name in bundle.TRAINED]
        return list(questions(sources, n, seed, config.dialect, tally=tally, focus=focus, name="bundled"))
    database = database_of({"db": name, **own}, config)
    if database is None:
        raise UsageError(
            f"the schema of '{name}' is not known.{did_you_mean(name, bundle.NAMES)}",
            hint=f"give its CREATE TABLE statements with --schema; bundled are {', '.join(bundle.NAMES)}",
        )
    is_own = bool(own or config.schema)
    source = _own(database, name, own, seed, tally) if is_own else bundled_source(name, config.dialect)
    return list(questions([source], n, seed, config.dialect, tally=tally, focus=focus, name=name or "own"))
