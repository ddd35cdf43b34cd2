"""The section ``[task.sql]`` of dstill.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The database that questions are about, and the rules that answers are checked by."""

    db: str = field(
        default="",
        metadata={
            "help": "The database that questions are about: a bundled one, or the name of your own. Empty: all bundled."
        },
    )
    dialect: Dialect = field(default="duckdb", metadata={"help": "The dialect of SQL that answers are written in."})
    schema: str = field(
        default="",
        metadata={
            "help": "File with the CREATE TABLE statements of your database.",
            "trust": "file",
            "describes": True,
        },
    )
    values: str = field(
        default="",
        metadata={
            "help": "JSON file with known values of its columns, as `dstill init` writes it.",
            "trust": "file",
            "describes": True,
        },
    )
    database: str = field(
        default="",
        metadata={
            "help": "The database file of DuckDB or SQLite that answers run on. It is only read.",
            "trust": "file",
        },
    )
    databases: str = field(
        default="",
        metadata={
            "help": "Folder of databases, one of which a question names: NAME/NAME.sqlite, NAME.sqlite or NAME.duckdb. "
            "They are only read.",
            "trust": "file",
        },
    )
    now: str = field(
        default="", metadata={"help": "The time that `today` means in questions, in ISO form. Empty: now."}
    )
    n_questions: int = field(
        default=6_000,
        metadata={"low": 1, "high": 200_000, "help": "Number of synthetic questions to make for training."},
    )
    test_databases: int = field(
        default=5,
        metadata={
            "low": 0,
            "high": 20,
            "help": "Most small test databases on which an answer has to agree with the reference. 0: none.",
        },
    )
    guard: Limits = field(default_factory=Limits, metadata={"trust": "limits"})
