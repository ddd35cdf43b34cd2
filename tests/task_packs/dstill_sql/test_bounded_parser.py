"""Types called like functions, each within another: the parser tries every reading, and stops after some steps."""

from __future__ import annotations

import pytest

from dstill.errors import DataError
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.statements import NotOneQuery, read

DEEP = 24  # calls within each other: with a limit that does not hold, no test of these ends
TYPES = ("DATE", "INT", "VARCHAR", "TIME ", "STRUCT")


def nested(name: str, times: int = DEEP) -> str:
    return f"{name}(" * times + "x" + ")" * times


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", TYPES)
def test_nested_types_are_no_query(dialect: Dialect, name: str) -> None:
    with pytest.raises(NotOneQuery, match="nested too deeply"):
        read(f"SELECT {nested(name)} FROM t", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nested_types_are_no_schema(dialect: Dialect) -> None:
    with pytest.raises(DataError, match="nested too deeply"):
        SqlSchema.read(f"CREATE TABLE t (a INT DEFAULT {nested('DATE')})", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_few_of_them_and_long_texts_are_read(dialect: Dialect) -> None:
    assert read(f"SELECT {nested('DATE', 4)} FROM t", dialect)
    assert read("SELECT a FROM t WHERE " + " AND ".join(["a = 1"] * 900), dialect)
    columns = ", ".join(f"c{n} DECIMAL(10, 2) NOT NULL" for n in range(2_000))
    assert len(SqlSchema.read(f"CREATE TABLE t ({columns})", dialect).tables[0].columns) == 2_000
