"""Bounds on the length and depth of the grammar's sentences, which make it finite. Data only.

They keep the longest sentence below the 32 KiB that strict JSON reads, and all counts within the guard's limits.
Real questions need less.
"""

from __future__ import annotations

__all__ = ["CHARACTERS", "DIGITS", "FIELDS_OF_A_SET", "FILTERS", "FUNCTIONS", "LACKING", "PATTERN", "SHORT", "SORTS",
           "SPAN_FIELDS",
           "TEXTS", "VALUES"]  # fmt: skip

CHARACTERS = 56  # characters of a string
SHORT = 20  # ASCII characters of a string in a long list
PATTERN = 16  # characters on either side of a wildcard
TEXTS = 3  # long strings in a list
VALUES = 20  # values in a list, as in terms
FIELDS_OF_A_SET = 3  # fields in a list, as in multi_match
SORTS = 2
FILTERS = 6  # plain queries in a filter
FUNCTIONS = 1  # functions of a function_score
SPAN_FIELDS = 12  # text fields with span queries
# Digits of a number, by type
DIGITS = {"byte": 9, "short": 9, "integer": 9, "token_count": 9, "long": 17, "unsigned_long": 17, "half_float": 4}
# Aggregations that OpenSearch does not have, or on which it fails if no document matches (matrix_stats).
_NOT_IN_OPENSEARCH = frozenset(("boxplot", "cumulative_cardinality", "ip_prefix", "matrix_stats", "normalize", "rate",
                                "string_stats", "t_test", "top_metrics"))  # fmt: skip
LACKING = dict.fromkeys(("opensearch2", "opensearch3"), _NOT_IN_OPENSEARCH)
