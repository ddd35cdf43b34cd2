"""The section ``[task.sql]`` of dstill.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from dstill.api.setting import setting
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The database that questions are about, and the rules that answers are checked by."""

    db: str = setting(
        "", "The database that questions are about: a bundled one, or the name of your own. Empty: all bundled."
    )
    dialect: Dialect = setting("duckdb", "The dialect of SQL that answers are written in.")
    schema: str = setting("", "File with the CREATE TABLE statements of your database.", trust="file", describes=True)
    values: str = setting(
        "", "JSON file with known values of its columns, as `dstill init` writes it.", trust="file", describes=True
    )
    aliases: str = setting(
        "",
        'JSON file with other names of known values: `{"airports.code": {"JFK": ["kennedy"]}}`, or `bundled:NAME`.',
        trust="file",
        describes=True,
    )
    glossary: str = setting(
        "", "TOML file with words of your trade and what they mean in the data.", trust="file", describes=True
    )
    database: str = setting(
        "", "The database file of DuckDB or SQLite that answers run on. It is only read.", trust="file"
    )
    databases: str = setting(
        "",
        "Folder of databases, one of which a question names: NAME/NAME.sqlite, NAME.sqlite or NAME.duckdb. "
        "They are only read.",
        trust="file",
    )
    now: str = setting("", "The time that `today` means in questions, in ISO form. Empty: now.")
    n_questions: int = setting(6_000, "Number of synthetic questions to make for training.", low=1, high=200_000)
    test_databases: int = setting(
        5, "Most small test databases on which an answer has to agree with the reference. 0: none.", low=0, high=20
    )
    guard: Limits = field(default_factory=Limits, metadata={"trust": "limits"})
