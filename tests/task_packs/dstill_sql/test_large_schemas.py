"""Schemas of many columns and tables are read in time that is linear in their size."""

from __future__ import annotations

import subprocess
import sys

import pytest

LARGE = """
import resource
from dstill_sql.language.database.schema import SqlSchema
resource.setrlimit(resource.RLIMIT_CPU, (25, 25))  # seconds; quadratic time takes twice as many
n = 10_000
columns = ", ".join(f"c{i} INTEGER" for i in range(n))
unique = ", ".join(f"UNIQUE (c{i})" for i in range(n))
comments = "".join(f"COMMENT ON COLUMN t.c{i} IS 'x{i}';" for i in range(n))
tables = "".join(f"CREATE TABLE t{i} (a INTEGER REFERENCES k);" for i in range(n))
one = "CREATE TABLE k (a INTEGER PRIMARY KEY);"
schema = SqlSchema.read(f"{one} CREATE TABLE t ({columns}, {unique}); {comments} {tables}")
last = schema.column("t", f"c{n - 1}")
assert last.unique and last.comment == f"x{n - 1}"
assert schema.ddl().count("FOREIGN KEY (a) REFERENCES k (a)") == n
"""


@pytest.mark.slow
def test_time_is_linear_in_columns_and_tables() -> None:
    subprocess.run([sys.executable, "-c", LARGE], check=True)
