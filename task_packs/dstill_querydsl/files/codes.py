"""The meaning of each code of a problem, in a sentence: the help of the rules of `dstill check`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CODES"]

CODES: Mapping[str, str] = {
    # json
    "empty": "There is nothing here: the body or this query has no content.",
    "not_json": "The text is not JSON.",
    "cut_short": "The JSON ends before it is closed.",
    "trailing_text": "There is text after the JSON object.",
    "not_an_object": "A search body is a JSON object.",
    "too_long": "The body has more than 32 KiB.",
    "too_deep": "The body is nested deeper than 20 levels.",
    "duplicate_key": "An object has the same key twice.",
    "long_number": "A number has more than 100 digits.",
    "not_finite": "NaN and infinite numbers are not JSON.",
    "lone_surrogate": "Half of a surrogate pair is not a character.",
    # schema
    "unknown_key": "A search body has no such key.",
    "unknown_query": "There is no query of that name.",
    "unknown_aggregation": "There is no aggregation of that name.",
    "unknown_option": "A query or aggregation has no option of that name, at least not in this release.",
    "unknown_path": "A path names an aggregation that does not exist at its level.",
    "missing": "A required key is missing.",
    "missing_field": "A query on a field names none.",
    "several": "There is more than one, where exactly one is allowed.",
    "exclusive": "Two keys exclude each other.",
    "no_sub_aggregations": "This aggregation takes no sub-aggregations.",
    "wrong_type": "A value is of another type than required, or the query does not fit the type of the field.",
    "wrong_value": "A value is not one of those that are allowed here.",
    "wrong_name": "A name is not valid.",
    "out_of_range": "A value is below or above what is allowed.",
    "refusal_form": "A refusal has another form than required.",
    "refusal_and_body": "A refusal cannot be combined with a search.",
    # mapping
    "unknown_field": "The index has no such field, so the search finds nothing and does not say so.",
    "doubtful_type": "The query is legal on this type of field, but probably not what was meant.",
    "conflicting_field": "Several indices disagree on the type of the field.",
    "no_doc_values": "The field has no doc values, which this use needs.",
    "not_nested": "The path is not that of a nested field.",
    "outside_nested": "The field is not within the nested path around it.",
    "lost_nested": "The field is within a nested path, and can only be searched there.",
    # sense
    "unknown_value": "No document has this value.",
    "beyond_values": "The range lies outside of the values that documents have.",
    "other_form": "A date or a number is compared with values that look otherwise.",
    "excluded": "Two conditions are never true together.",
    "repeated": "One of two conditions holds wherever the other one does.",
    "shown_twice": "The same field is shown twice.",
    "grouped_twice": "The same field is grouped by twice.",
    # guard
    "coerced": "A number is written as a string.",
    "unknown_range": "The range of a histogram is unknown; the engine refuses it if it has too many gaps to fill.",
    "limit": "The search costs more than the guard allows.",
    "not_allowed": "This part is not on the guard's list of what may run.",
    "script": "Scripts may not run.",
    "wrapper": "A wrapped query hides what it does.",
    "query_string": "The text of a query_string can name any field.",
    "inner_hits": "Inner hits are not allowed.",
    "extension": "Extensions are not allowed.",
    "foreign_read": "The search reads another index or document.",
    "metadata": "The search uses a metadata field.",
    "field_denied": "The configuration does not allow this field.",
    "field_wildcard": "A pattern of names may match fields that are not allowed.",
    "unnamed_fields": "The query searches every field, because it names none.",
}
