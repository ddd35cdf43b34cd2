"""The bundled databases. NOTICE.md says where they come from.

    database("shop", "duckdb")          Database(name="shop", schema=…, now="2024-06-18T12:00:00", data=Rows(…), …)
    database("shop/2", "duckdb")        the same rows, under other names for tables and columns
    lexicon("shop", "duckdb")           the words that questions use for these names

`TRAINED` are for training, each with `VARIANTS` other namings; no base is trained on those of `HELD_OUT`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from dstill_sql.language.database.database import Database, Rows
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect

__all__ = ["FOLDER", "HELD_OUT", "NAMES", "TRAINED", "VARIANTS", "database", "definition", "invented", "is_bundled"]

FOLDER = Path(__file__).parent
TRAINED = ("shop", "clinic", "library", "company", "movies", "world")
HELD_OUT = ("flights", "festival")
NAMES: tuple[str, ...] = (*TRAINED, *HELD_OUT)
VARIANTS = 4

_DESCRIPTIONS: Mapping[str, tuple[str, str]] = {  # description, licence
    "shop": ("an online shop with its products, suppliers, customers, orders and reviews", "Apache-2.0"),
    "clinic": ("a clinic with its wards, doctors, patients, visits and prescriptions", "Apache-2.0"),
    "library": ("a public library with its branches, books, members and loans", "Apache-2.0"),
    "company": ("a company with its offices, departments, employees, projects and absences", "Apache-2.0"),
    "movies": ("films with their studios, genres, and the people who made them", "CC0-1.0"),
    "world": ("countries with their borders, languages and natural resources", "public domain"),
    "flights": ("flights from New York in 2013, with airlines, airports, aircraft and the weather", "CC0-1.0"),
    "festival": ("a music festival with its stages, bands, concerts, visitors and tickets", "Apache-2.0"),
}
_SEPARATOR = "/"  # before the number of a naming


def is_bundled(name: str) -> bool:
    """Whether there is such a database."""
    base, separator, number = name.partition(_SEPARATOR)
    if not separator:
        return name in NAMES
    return base in TRAINED and number.isdecimal() and 1 <= int(number) <= VARIANTS and number == str(int(number))


def database(name: str, dialect: Dialect) -> Database:
    """The bundled database of that name, with its types in `dialect`. Raises KeyError."""
    database: Database = invented(name, dialect).database
    return database


@lru_cache(maxsize=64)
def invented(name: str, dialect: Dialect) -> Any:
    """The database with the words for its names (`invented_schemas.schemas.Invented`). Raises KeyError."""
    from dstill.synthesis.domains.naming import PLAIN, Style
    from dstill_sql.questions.invented_schemas.schemas import named

    if not is_bundled(name):
        raise KeyError(name)
    base, _, number = name.partition(_SEPARATOR)
    content, about = _content(base), dict(zip(("description", "licence"), _DESCRIPTIONS[base], strict=True))
    if "schema" in content:
        return _described(name, content, dialect, about)
    style = usual = _styles().get(base, PLAIN)
    random = Random(f"{name} names")
    while number and (style.spelling == usual.spelling):
        style = Style.draw(random)
    return named(definition(base), style, _rows(base), name=name, now=content["now"], dialect=dialect, **about)


def _styles() -> Mapping[str, Any]:
    """The databases with habits of their own."""
    from dstill.synthesis.domains.naming import Style

    return {
        "festival": Style(case="camel", plural_entities=False, key="own"),
        "company": Style(case="pascal", key="own"),
    }


def definition(name: str) -> Any:
    """The tables of a database and their words (`dstill.synthesis.domains.definitions.Domain`)."""
    from dstill.synthesis.domains.definitions import read

    return read(name, tomllib.loads(files(__name__).joinpath("definitions.toml").read_text(encoding="utf-8"))[name])


def _described(name: str, content: Mapping[str, Any], dialect: Dialect, about: Mapping[str, Any]) -> Any:
    """A database whose schema speaks for itself."""
    from dstill_sql.questions.invented_schemas.schemas import Invented
    from dstill_sql.questions.known_values import known_values
    from dstill_sql.questions.lexicon import Lexicon

    schema = SqlSchema.read(content["schema"], "duckdb").in_dialect(dialect)
    cells = _rows(name)
    digest = hashlib.sha256(json.dumps([schema.ddl(), cells]).encode()).hexdigest()
    database = Database(
        name=name,
        schema=schema,
        values=known_values(schema, cells),
        now=content["now"],
        data=Rows(schema=schema, read=lambda: cells, digest=digest),
        **about,
    )
    return Invented(database=database, lexicon=Lexicon.of(schema), references=schema.references)


@lru_cache(maxsize=8)
def _content(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return content


@lru_cache(maxsize=8)
def _rows(name: str) -> Mapping[str, list[list[Any]]]:
    return {
        table: [list(row) for row in zip(*columns, strict=True)] for table, columns in _content(name)["rows"].items()
    }
