"""Reads questions in the file forms of Spider and BIRD, so that people can score on their own copies of these.

    python -m dstill_sql.benchmarks spider/ --questions dev.json --out dev.jsonl

    questions(Path("spider"), "dev.json")
    [Example(id="dev-1", question="How many singers …?", context={"db": "concert_singer", "schema": "CREATE …"}, …)]

In: a folder with ``tables.json`` (``dev_tables.json``, ``train_tables.json``), which describes schemas; a file of
questions, with ``query`` (Spider) or ``SQL`` and ``evidence`` (BIRD); and, for BIRD, the descriptions of columns
beside the databases. Out: rows of a file for ``dstill evaluate --questions``, in the dialect of SQLite. Answers run on
the SQLite files if ``task.sql.databases`` names their folder.

Not covered: the values of the databases, which `dstill init` reads.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dstill.api.records import Example
from dstill.errors import DataError, DstillError
from dstill.io.files import reading
from dstill.io.jsonl import write_rows
from dstill.io.strict_json import NotStrict, loads
from dstill_sql.language.database.schema import Column, Family, Reference, SqlSchema, Table

__all__ = ["main", "questions", "read_schemas"]

_TABLES = ("tables.json", "dev_tables.json", "train_tables.json", "test_tables.json")
_FOLDERS = ("dev_databases", "train_databases", "database", "databases", "test_database")
_FAMILIES: Mapping[str, tuple[str, Family]] = {  # type of the files → a type of SQLite, and its family
    "number": ("REAL", "number"),
    "integer": ("INTEGER", "integer"),
    "real": ("REAL", "number"),
    "text": ("TEXT", "text"),
    "time": ("TIMESTAMP", "timestamp"),
    "date": ("DATE", "date"),
    "datetime": ("TIMESTAMP", "timestamp"),
    "boolean": ("BOOLEAN", "boolean"),
}
_SPLITS = {"train": "train", "dev": "test", "test": "test"}
_LONGEST = 160  # characters of the description of a column


def questions(folder: Path, name: str = "dev.json", *, evidence: bool = True) -> Iterator[Example]:
    """The questions of a file of `folder`. `evidence`: BIRD's hints stand behind the question. Raises DataError."""
    schemas = {db: schema.ddl() for db, schema in read_schemas(folder).items()}
    path = folder / name
    rows = _read(path)
    if not isinstance(rows, list):
        raise DataError("the questions are not a list", where=str(path))
    stem, seen = path.stem, set[tuple[str, str]]()
    for number, row in enumerate(rows, start=1):
        where = f"{path}, row {number}"
        db, question = _text(row, "db_id", where), _text(row, "question", where)
        hint = _text(row, "evidence", where, optional=True)
        if evidence and hint:
            question = f"{question.rstrip()} ({hint.strip()})"
        if db not in schemas:
            raise DataError(f"the database '{db[:80]}' is in no file of tables", where=where)
        if (db, question.casefold()) in seen:
            continue
        seen.add((db, question.casefold()))
        yield Example(
            id=f"{stem}-{number}",
            question=question,
            answer=_text(row, "query" if "query" in row else "SQL", where, optional=True) or None,
            context={"db": db, "schema": schemas[db]},
            category=_text(row, "difficulty", where, optional=True),
            split=next((split for start, split in _SPLITS.items() if stem.startswith(start)), "test"),
        )


def read_schemas(folder: Path) -> dict[str, SqlSchema]:
    """The schemas of the folder's files of tables, by database. Raises DataError."""
    schemas: dict[str, SqlSchema] = {}
    files = [folder / name for name in _TABLES if (folder / name).is_file()]
    if not files:
        raise DataError("there is no file of tables", where=str(folder), hint=f"expected one of {', '.join(_TABLES)}")
    for path in files:
        rows = _read(path)
        for number, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
            where = f"{path}, row {number}"
            db = _text(row, "db_id", where)
            try:
                schemas[db] = _schema(row, _described(folder, db))
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                raise DataError(f"not in the form of a schema: {type(error).__name__} {error}", where=where) from None
    return schemas


def _schema(row: Mapping[str, Any], described: Mapping[tuple[str, str], str]) -> SqlSchema:
    names: Sequence[str] = row["table_names_original"]
    columns: list[list[Column]] = [[] for _ in names]
    places: dict[int, tuple[int, str]] = {}  # number of a column → table and name
    texts = row.get("column_names") or row["column_names_original"]
    for number, ((table, name), (_, words), type_) in enumerate(
        zip(row["column_names_original"], texts, row["column_types"], strict=True)
    ):
        if table < 0:  # the star
            continue
        places[number] = (table, name)
        columns[table].append(
            _column(name, words, str(type_), described.get((names[table].casefold(), name.casefold()), ""))
        )
    keys: list[tuple[str, ...]] = [() for _ in names]
    for key in row.get("primary_keys", ()):
        numbers = key if isinstance(key, list) else [key]
        table = places[numbers[0]][0]
        keys[table] = (*keys[table], *(places[number][1] for number in numbers))
    tables = tuple(
        Table(name=name, columns=tuple(own), key=key) for name, own, key in zip(names, columns, keys, strict=True)
    )
    references = tuple(
        Reference(
            table=names[places[column][0]],
            columns=(places[column][1],),
            to=names[places[other][0]],
            to_columns=(places[other][1],),
        )
        for column, other in row.get("foreign_keys", ())
    )
    return SqlSchema(tables=tables, references=references, dialect="sqlite")


def _column(name: str, words: str, type_: str, description: str) -> Column:
    shown, family = _FAMILIES.get(type_.lower(), ("TEXT", "text"))
    plain = re.sub(r"[\W_]+", "", name).casefold() == re.sub(r"[\W_]+", "", words).casefold()
    comment = description or ("" if plain else words)
    return Column(name=name, type=shown, family=family, comment=" ".join(comment.split())[:_LONGEST])


# --- BIRD's descriptions of columns ----------------------------------------------------------


def _described(folder: Path, db: str) -> dict[tuple[str, str], str]:
    """The words of ``DB/database_description/TABLE.csv`` about columns, by table and column in lower case."""
    texts: dict[tuple[str, str], str] = {}
    if not re.fullmatch(r"\w[\w.-]*", db):
        return texts
    for place in _FOLDERS:
        for path in sorted((folder / place / db / "database_description").glob("*.csv")):
            texts.update(_from_csv(path))
    return texts


def _from_csv(path: Path) -> Iterator[tuple[tuple[str, str], str]]:
    with reading(path):
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    for row in csv.DictReader(io.StringIO(text)):
        name = (row.get("original_column_name") or "").strip()
        description = (row.get("column_description") or row.get("column_name") or "").strip()
        if name and description and description.casefold() != name.casefold():
            yield (path.stem.casefold(), name.casefold()), description


# --- files ------------------------------------------------------------------------------


def _read(path: Path) -> Any:
    with reading(path):
        data = path.read_bytes()
    try:
        return loads(data.decode("utf-8-sig"))
    except (NotStrict, ValueError) as error:
        raise DataError(f"not JSON: {error}", where=str(path)) from None


def _text(row: Any, name: str, where: str, *, optional: bool = False) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, str):
        return value
    if value is None and optional:
        return ""
    raise DataError(f"'{name}' is not text", where=where, hint="give a folder of Spider or BIRD")


def _rows(examples: Iterable[Example]) -> Iterator[Mapping[str, Any]]:
    for example in examples:
        row = {"id": example.id, "question": example.question, "answer": example.answer, "context": example.context}
        yield {**row, "category": example.category, "split": example.split}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a file of questions for `dstill`. Gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dstill_sql.benchmarks", description="Convert Spider's or BIRD's files."
    )
    parser.add_argument("folder", type=Path, help="the folder with tables.json or dev_tables.json")
    parser.add_argument("--questions", default="dev.json", help="the file of questions in it (default: dev.json)")
    parser.add_argument("--out", type=Path, required=True, help="the JSONL file to write")
    parser.add_argument("--no-evidence", action="store_true", help="leave out BIRD's hints")
    options = parser.parse_args(arguments)
    try:
        rows = list(questions(options.folder, options.questions, evidence=not options.no_evidence))
        write_rows(options.out, _rows(rows))
    except DstillError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    folder = next((name for name in _FOLDERS if (options.folder / name).is_dir()), "database")
    print(f"{len(rows)} questions in {options.out}")
    print(
        f'set dialect = "sqlite" and databases = "{options.folder / folder}" in [task.sql] to run answers on the files'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
