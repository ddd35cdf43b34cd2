"""Joins whose tables are compared by other conditions than their own pass the guard; cross products do not."""

from __future__ import annotations

from typing import get_args

import pytest

from dstill_sql.language import guard
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import read

RELATED = [
    "a JOIN b JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c JOIN d ON a.x=b.x AND b.y=c.y AND c.z=d.z",
    "a JOIN b JOIN c ON a.x=c.x AND b.y=c.y",
    "a, b, c WHERE a.x=b.x AND b.y=c.y",
    "a, b, c WHERE a.x=c.x AND b.y=c.y",
    "a JOIN b ON id = b_id, c WHERE c.x = b.y",
    "a JOIN b USING (id), c WHERE c.x = a.y",
    "a JOIN b JOIN c USING (id) WHERE a.x=b.x",
    "a JOIN b RIGHT JOIN c ON a.x=b.x AND b.y=c.y",
    "a AS t1 INNER JOIN b AS t2 INNER JOIN c AS t3 ON T1.x = T2.x AND T2.y = T3.y",
    "a JOIN b JOIN c ON (a.x=b.x AND b.y=c.y) OR (a.x=b.z AND a.y=c.y)",
    "a, (SELECT MAX(x) AS m FROM b) AS s WHERE a.x = s.m",
]
CROSSED = [
    "a JOIN b JOIN c ON b.y=c.y",
    "a, b, c WHERE b.y=c.y",
    "a JOIN b LEFT JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c ON a.x=c.x",
    "a JOIN b JOIN c ON a.x=b.x OR b.y=c.y",
    "a JOIN b FULL JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c",
    "a JOIN b JOIN c USING (id)",
    "a, b",
    "a JOIN b ON a.x = 1",
    "a CROSS JOIN b",
    "a JOIN b JOIN c ON x = y AND y = z",
    "a JOIN b ON TRUE",
    "a JOIN b JOIN c USING(id) WHERE b.x=c.y",
    "a JOIN b JOIN c ON a.x=b.x AND b.y=1",
]


def codes(joined: str, dialect: Dialect) -> set[str]:
    return {one.code for one in guard.check(read(f"SELECT * FROM {joined}", dialect), None, Limits(), dialect)}


@pytest.mark.parametrize("dialect", get_args(Dialect))
@pytest.mark.parametrize("joined", RELATED)
def test_tables_that_conditions_compare_are_joined(joined: str, dialect: Dialect) -> None:
    assert codes(joined, dialect) == set()


@pytest.mark.parametrize("dialect", get_args(Dialect))
@pytest.mark.parametrize("joined", CROSSED)
def test_table_that_nothing_compares_multiplies_rows(joined: str, dialect: Dialect) -> None:
    assert codes(joined, dialect) == {"cross_join"}
