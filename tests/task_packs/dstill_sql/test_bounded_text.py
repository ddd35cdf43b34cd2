"""A short answer prints no long text, whoever prints it, and takes no long time to be parsed."""

from __future__ import annotations

import pytest
from support.sizes import first_quick

from dstill.errors import DataError
from dstill_sql.engines.translating import Untranslatable, translated
from dstill_sql.language import guard
from dstill_sql.language.bounded_text import MOST_CHARACTERS, text_of
from dstill_sql.language.canonical import canonical_text
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.limits import Limits
from dstill_sql.language.results.causes import cause
from dstill_sql.language.results.clauses import clauses
from dstill_sql.language.statements import NotOneQuery, read

DDL = "CREATE TABLE t (a DOUBLE PRECISION, b VARCHAR(20))"
DEEP = 18  # calls within each other: with a limit that does not hold, no test of these ends


def nested(form: str, inner: str, times: int = DEEP) -> str:
    """A query with `form` around itself, as often as `times`."""
    for _ in range(times):
        inner = form.format(inner)
    return f"SELECT {inner} AS x FROM t"


# Calls that are written out repeat their arguments.
REPEATED: tuple[tuple[Dialect, str, str], ...] = (
    ("duckdb", "CEIL(1, {})", "a"),
    ("duckdb", "INITCAP({})", "b"),
    ("duckdb", "CHARACTER_LENGTH({}, 2)", "b"),
    ("duckdb", "SUBSTR('x', {}, 1, 1)", "a"),
    ("duckdb", "CHARINDEX({}, 'x', 3)", "b"),
    ("sqlite", "GREATEST({}, 1)", "a"),
    ("sqlite", "CHARINDEX({}, 'x', 3)", "b"),
    ("postgres", "CHARINDEX({}, 'x', 3)", "b"),
)
TRANSLATED: tuple[tuple[Dialect, Dialect, str, str], ...] = (
    ("duckdb", "sqlite", "CAST(CAST({} AS BIGINT) AS DOUBLE)", "a"),
    ("duckdb", "sqlite", "GREATEST({}, 1)", "a"),
    ("duckdb", "sqlite", "ENDS_WITH('x', {})", "b"),
    ("sqlite", "duckdb", "MAX({}, 1)", "a"),
    ("postgres", "duckdb", "INITCAP({})", "b"),
)


@pytest.mark.parametrize(("dialect", "form", "inner"), REPEATED)
def test_answer_whose_text_would_be_too_long_is_refused(dialect: Dialect, form: str, inner: str) -> None:
    query = read(nested(form, inner), dialect)
    (problem,) = guard.check(query, SqlSchema.read(DDL, dialect), Limits(), dialect)
    assert problem.code == "not_printed"


@pytest.mark.parametrize(("dialect", "form", "inner"), first_quick(REPEATED))
def test_what_compares_answers_gives_up_on_them(dialect: Dialect, form: str, inner: str) -> None:
    answer = nested(form, inner)
    assert canonical_text(answer, dialect) == answer
    assert clauses(answer, dialect) is None
    found = cause(answer, "SELECT a FROM t", dialect)
    assert found.detail.startswith("SELECT")


@pytest.mark.parametrize(("source", "target", "form", "inner"), first_quick(TRANSLATED))
def test_translation_that_would_be_too_long_ends(source: Dialect, target: Dialect, form: str, inner: str) -> None:
    with pytest.raises(Untranslatable, match="cannot be translated"):
        translated(read(nested(form, inner), source), source, target, SqlSchema.read(DDL, source))


def test_longest_text_is_printed() -> None:
    tree = read("SELECT 'x'", "duckdb").copy()
    tree.selects[0].set("this", "x" * (MOST_CHARACTERS - 20))
    assert len(text_of(tree, "duckdb")) > MOST_CHARACTERS - 20
    tree.selects[0].set("this", "x" * MOST_CHARACTERS)
    with pytest.raises(NotPrintable):
        text_of(tree, "duckdb")


# --- types called like functions: the parser tries every reading, and stops after some steps ---


DEEP_TYPES = 24  # with a limit that does not hold, no test of these ends
TYPES = ("DATE", "INT", "VARCHAR", "TIME ", "STRUCT")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", TYPES)
def test_nested_types_are_no_query(dialect: Dialect, name: str) -> None:
    with pytest.raises(NotOneQuery, match="nested too deeply"):
        read(nested(f"{name}({{}})", "x", DEEP_TYPES), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nested_types_are_no_schema(dialect: Dialect) -> None:
    with pytest.raises(DataError, match="nested too deeply"):
        SqlSchema.read(f"CREATE TABLE t (a INT DEFAULT {'DATE(' * DEEP_TYPES}x{')' * DEEP_TYPES})", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_few_of_them_and_long_texts_are_read(dialect: Dialect) -> None:
    assert read(nested("DATE({})", "x", 4), dialect)
    assert read("SELECT a FROM t WHERE " + " AND ".join(["a = 1"] * 900), dialect)
    columns = ", ".join(f"c{n} DECIMAL(10, 2) NOT NULL" for n in range(2_000))
    assert len(SqlSchema.read(f"CREATE TABLE t ({columns})", dialect).tables[0].columns) == 2_000
