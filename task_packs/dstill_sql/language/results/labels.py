"""The labels of causes (`dstill_sql.language.results.causes`), in the order of checking."""

from __future__ import annotations

__all__ = [
    "AGGREGATE", "COLUMN", "COLUMNS", "DISTINCT", "EXTRA", "GROUPING", "HAVING", "JOIN", "LABELS", "LIMIT", "MISSING",
    "NESTING", "OPERATOR", "ORDER", "OTHER", "REFUSED", "SET", "SHOULD_HAVE_REFUSED", "TABLES", "VALUE",
]  # fmt: skip

REFUSED, SHOULD_HAVE_REFUSED = "refused", "should have refused"
TABLES, SET, NESTING, JOIN, COLUMNS, AGGREGATE = "tables", "set operation", "nesting", "join", "columns", "aggregate"
COLUMN, OPERATOR, VALUE = "condition column", "condition operator", "value"
MISSING, EXTRA = "missing condition", "extra condition"
GROUPING, HAVING, ORDER, LIMIT, DISTINCT, OTHER = "grouping", "having", "order", "limit", "distinct", "other"
LABELS = (
    REFUSED, SHOULD_HAVE_REFUSED, TABLES, SET, NESTING, JOIN, COLUMNS, AGGREGATE, COLUMN, OPERATOR, VALUE, MISSING,
    EXTRA, GROUPING, HAVING, ORDER, LIMIT, DISTINCT, OTHER,
)  # fmt: skip
