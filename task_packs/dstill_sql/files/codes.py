"""The meanings of the codes of problems, in a sentence each: the help of the rules of `dstill check`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CODES"]

CODES: Mapping[str, str] = {
    # form
    "syntax_error": "The text is not one query of this dialect.",
    # guard
    "construct": "This construct is not on the guard's list of what may run.",
    "function": "This function is not on the guard's list of what may run.",
    "type": "This type is not on the guard's list of what may run.",
    "name": "A name would need quotes.",
    "unit": "Dates have units such as YEAR, MONTH and DAY.",
    "number": "A number has digits, and may have a point and an exponent.",
    "not_printed": "The query is another one once it is printed, so that it cannot be passed on to an engine.",
    "cross_join": "A join that does not compare two tables multiplies their rows.",
    "recursive": "A recursive query may never end.",
    "table_function": "A query reads tables, not functions, which could read files.",
    "other_schema": "A query names its tables without a schema, and reads only its own.",
    "unknown_table": "The database has no such table.",
    "denied": "The configuration does not allow reading this.",
    "too_large": "The query is larger than the guard allows.",
    # schema
    "unknown_column": "No table of the query has such a column.",
    "ambiguous_column": "Several tables of the query have a column of this name.",
    "unresolved": "A name of the query does not fit the schema.",
    "not_planned": "The engine of the dialect cannot plan the query, for example because types do not fit.",
    "too_deep": "The query is nested too deeply.",
    # sense
    "unknown_value": "No row has this value.",
    "beyond_values": "The bound lies outside of the values that rows have.",
    "other_form": "A date or a number is compared with values that look otherwise.",
    "same_sides": "A column is compared with itself.",
    "excluded": "Two conditions are never true together.",
    "repeated": "One of two conditions holds wherever the other one does.",
    "shown_twice": "The same is shown twice.",
    "grouped_twice": "The same is grouped by twice.",
    "repeated_rows": "A sum, average or count is over rows that a join repeats.",
    "one_row_groups": "Each group is one row, since a key is in GROUP BY.",
    "key_as_number": "A key is added up or averaged.",
    "other_key": "Keys of different tables are compared.",
}
