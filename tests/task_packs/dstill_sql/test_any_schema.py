"""Whatever the schema and the known values are, there are questions with golds that pass the checks, or a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sizes import first_quick

from dstill.api import find_problems
from dstill.api.protocols import Synthesis
from dstill.api.records import Draft
from dstill.errors import DataError
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

_TYPES = {
    "INT": "integer",
    "DOUBLE PRECISION": "number",
    "TEXT": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
    "JSON": "other",
}
_names = st.one_of(
    st.sampled_from(
        ["id", "name", "order_id", "Größe", "x", "total price", "is_open", "created", "year", "SELECT", "a-b"]
    ),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=9).filter(
        lambda text: text.strip() == text and not set(text) & set('"@')  # sqlglot reads @ as a mark of its own
    ),
)
_values = st.one_of(
    st.lists(st.one_of(st.text(max_size=8), st.integers(-9, 9**9), st.booleans()), max_size=3),
    st.builds(lambda low, more: {"min": low, "max": low + more}, st.integers(-99, 10**9), st.integers(0, 99)),
    st.builds(lambda texts: {"examples": texts}, st.lists(st.text(max_size=12), max_size=3)),
    st.just({"min": "2020-01-01", "max": "soon"}),
)


@st.composite
def schemas(draw: st.DrawFn) -> tuple[SqlSchema, dict[str, Any]]:
    names = draw(st.lists(_names, min_size=1, max_size=4, unique_by=str.casefold))
    tables, values = [], {}
    for name in names:
        columns = []
        for column in draw(st.lists(_names, min_size=1, max_size=5, unique_by=str.casefold)):
            type_ = draw(st.sampled_from(sorted(_TYPES)))
            family: Any = _TYPES[type_]
            columns.append(Column(name=column, type=type_, family=family, nullable=draw(st.booleans())))
            if draw(st.booleans()):
                values[f"{name}.{column}"] = draw(_values)
        key = (columns[0].name,) if draw(st.booleans()) and columns[0].family != "other" else ()
        tables.append(Table(name=name, columns=tuple(columns), key=key))
    references = []
    for _ in range(draw(st.integers(0, 3))):
        child, parent = draw(st.sampled_from(tables)), draw(st.sampled_from(tables))
        column = draw(st.sampled_from(child.columns))
        if parent.key and parent.columns[0].family == column.family:
            references.append(
                Reference(table=child.name, columns=(column.name,), to=parent.name, to_columns=parent.key)
            )
    return SqlSchema(tables=tuple(tables), references=tuple(dict.fromkeys(references)), dialect="postgres"), values


@pytest.mark.slow
@pytest.mark.parametrize("dialect", first_quick(DIALECTS))
@given(drawn=schemas(), seed=st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_any_schema_has_questions_or_a_reason(
    dialect: Dialect, drawn: tuple[SqlSchema, dict[str, Any]], seed: int
) -> None:
    schema, values = drawn
    task = Sql(Settings(dialect=dialect))
    context = {"db": "any", "schema": schema.in_dialect(dialect).ddl(), "values": values}
    try:
        found = list(Synthesis.of(task).synthesize(context, 8, seed))
    except DataError:
        return
    for one in found:
        problems = list(find_problems(task, one, Draft(answer=one.answer or "")))
        assert not problems, f"{one.answer}\n{problems[0]}"
