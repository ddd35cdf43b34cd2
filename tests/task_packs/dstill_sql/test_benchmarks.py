"""Files in the forms of Spider and BIRD, made here, are read, converted and scored on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dstill.api import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Draft
from dstill.errors import DataError
from dstill.inputs.question_files import read_questions
from dstill_sql.benchmarks import main, questions, read_schemas
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

TABLES: dict[str, Any] = {
    "db_id": "kites",
    "table_names_original": ["Maker", "Kite"],
    "table_names": ["maker", "kite"],
    "column_names_original": [
        [-1, "*"],
        [0, "M_ID"],
        [0, "Nm"],
        [1, "id"],
        [1, "m_id"],
        [1, "Span"],
        [1, "First Flown"],
    ],
    "column_names": [[-1, "*"], [0, "m id"], [0, "name"], [1, "id"], [1, "m id"], [1, "span"], [1, "first flown"]],
    "column_types": ["text", "number", "text", "number", "number", "number", "time"],
    "primary_keys": [1, 3],
    "foreign_keys": [[4, 1]],
}


def database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE Maker (M_ID INTEGER PRIMARY KEY, Nm TEXT);"
            'CREATE TABLE Kite (id INTEGER PRIMARY KEY, m_id INTEGER, Span REAL, "First Flown" TEXT);'
            "INSERT INTO Maker VALUES (1, 'Ann'), (2, 'Bo');"
            "INSERT INTO Kite VALUES (1, 1, 2.5, '2020-01-01'), (2, 1, 1.5, NULL), (3, NULL, 4, NULL);"
        )
    db.close()


@pytest.fixture
def spider(tmp_path: Path) -> Path:
    (tmp_path / "tables.json").write_text(json.dumps([TABLES]))
    rows = [
        {"db_id": "kites", "question": "How many kites did Ann make?", "query": "SELECT count(*) FROM Kite AS T1 JOIN Maker AS T2 ON T1.m_id = T2.M_ID WHERE T2.Nm = 'Ann'"},  # noqa: E501
        {"db_id": "kites", "question": "how many kites did ann make?", "query": "SELECT 1"},
        {"db_id": "kites", "question": "Which makers have none?", "query": "SELECT Nm FROM Maker WHERE M_ID NOT IN (SELECT m_id FROM Kite)"},  # noqa: E501
    ]  # fmt: skip
    (tmp_path / "dev.json").write_text(json.dumps(rows))
    database(tmp_path / "database" / "kites" / "kites.sqlite")
    return tmp_path


@pytest.fixture
def bird(tmp_path: Path) -> Path:
    tables = {**TABLES, "primary_keys": [1, [3, 4]]}
    (tmp_path / "dev_tables.json").write_text(json.dumps([tables]))
    row = {
        "question_id": 0,
        "db_id": "kites",
        "question": "Widest kite?",
        "evidence": "wide refers to Span > 2",
        "SQL": "SELECT MAX(Span) FROM Kite",
        "difficulty": "simple",
    }
    (tmp_path / "dev.json").write_text(json.dumps([row]))
    database(tmp_path / "dev_databases" / "kites" / "kites.sqlite")
    described = tmp_path / "dev_databases" / "kites" / "database_description" / "Kite.csv"
    described.parent.mkdir()
    described.write_bytes(
        b"\xef\xbb\xbforiginal_column_name,column_name,column_description,data_format,value_description\n"
        b"Span,span,width of the kite in metres,real,\nFirst Flown,,\xff odd bytes,text,\n"
    )
    return tmp_path


def test_a_schema_of_spider(spider: Path) -> None:
    schema = read_schemas(spider)["kites"]
    maker, kite = schema.tables
    assert maker.key == ("M_ID",)
    assert [column.family for column in kite.columns] == ["number", "number", "number", "timestamp"]
    assert maker.columns[1].comment == "name"
    assert kite.columns[3].comment == ""
    (reference,) = schema.references
    assert (reference.table, reference.columns, reference.to) == ("Kite", ("m_id",), "Maker")


def test_answers_of_spider_run_on_its_files(spider: Path) -> None:
    task = Sql(Settings(dialect="sqlite", databases=str(spider / "database")))
    executor = Sqlite(SqliteSettings())
    executor.open(task, Engine())
    first, second = questions(spider)
    assert first.id == "dev-1"
    assert first.split == "test"
    assert not list(find_problems(task, first, Draft(answer=first.answer or "")))
    assert executor.execute(first.answer or "", first).value["rows"] == [[2]]
    assert executor.execute(second.answer or "", second).value["rows"] == []  # NOT IN with a NULL
    executor.close()


def test_hints_and_descriptions_of_bird(bird: Path) -> None:
    (found,) = questions(bird)
    assert found.question == "Widest kite? (wide refers to Span > 2)"
    assert found.category == "simple"
    assert found.answer == "SELECT MAX(Span) FROM Kite"
    assert "-- width of the kite in metres" in found.context["schema"]
    assert "PRIMARY KEY (id, m_id)" in found.context["schema"]
    (bare,) = questions(bird, evidence=False)
    assert bare.question == "Widest kite?"


def test_the_command_writes_a_file_that_dstill_reads(
    spider: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "questions.jsonl"
    assert main([str(spider), "--out", str(out)]) == 0
    assert 'dialect = "sqlite"' in capsys.readouterr().out
    assert list(read_questions(out)) == list(questions(spider))
    assert main([str(spider), "--questions", "absent.json", "--out", str(out)]) == 1
    assert "absent.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dev.json", "[1, 2", "not JSON"),
        ("dev.json", "{}", "not a list"),
        ("dev.json", '[{"db_id": "kites"}]', "'question' is not text"),
        ("dev.json", '[{"db_id": "other", "question": "?", "query": "SELECT 1"}]', "in no file of tables"),
        ("tables.json", '[{"db_id": "kites", "table_names_original": ["a"]}]', "not in the form of a schema"),
        ("tables.json", '[{"db_id": "kites", "table_names_original": 5, "column_types": []}]', "not in the form"),
        ("tables.json", "[3]", "'db_id' is not text"),
    ],
)  # fmt: skip
def test_files_in_another_form_are_named(spider: Path, name: str, text: str, said: str) -> None:
    (spider / name).write_text(text)
    with pytest.raises(DataError, match=said) as raised:
        list(questions(spider))
    assert name in str(raised.value.where)


def test_a_folder_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file of tables"):
        list(questions(tmp_path))


@pytest.mark.parametrize("name", ["../kites", "/etc/passwd", "", ".", "a/b", "kites\0"])
def test_the_name_of_a_database_is_no_path(spider: Path, name: str) -> None:
    task = Sql(Settings(dialect="sqlite", databases=str(spider / "database" / "kites")))
    (first, _) = questions(spider)
    from dataclasses import replace

    assert task.data(replace(first, context={**first.context, "db": name})) is None
