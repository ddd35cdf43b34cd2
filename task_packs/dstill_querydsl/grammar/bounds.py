"""How long and how deep a sentence of the grammar may be: what makes it finite, data only.

Together with the forms they keep the longest sentence below what strict JSON reads (32 KiB), and every count
below the guard's own limits. A person asks for less; a student's answer never needs more.
"""

from __future__ import annotations

__all__ = ["CHARACTERS", "DIGITS", "FIELDS_OF_A_SET", "FILTERS", "FUNCTIONS", "LACKING", "PATTERN", "SHORT", "SORTS",
           "SPANNED",
           "TEXTS", "VALUES"]  # fmt: skip

CHARACTERS = 56  # of one text
SHORT = 20  # of one of many texts, ASCII
PATTERN = 16  # on either side of a wildcard
TEXTS = 3  # whole ones in one list
VALUES = 20  # in one list, as in terms
FIELDS_OF_A_SET = 3  # named at once: multi_match, _source
SORTS = 2
FILTERS = 6  # plain queries in one filter
FUNCTIONS = 1  # of a function_score
SPANNED = 12  # text fields that have spans of their own
DIGITS = {"byte": 9, "short": 9, "integer": 9, "token_count": 9, "long": 17, "unsigned_long": 17, "half_float": 4}
# Aggregations that a product has not, or fails at where no document is found (matrix_stats).
_NOT_IN_OPENSEARCH = frozenset(("boxplot", "cumulative_cardinality", "ip_prefix", "matrix_stats", "normalize", "rate",
                                "string_stats", "t_test", "top_metrics"))  # fmt: skip
LACKING = dict.fromkeys(("opensearch2", "opensearch3"), _NOT_IN_OPENSEARCH)
