"""Names that the embedded engine lacks: stored for the installed version, and distinguished from invented ones."""

from __future__ import annotations

import pytest

from dstill_querydsl.engines.probe import ask_embedded, lacking, unknown
from dstill_querydsl.engines.unsupported_features import is_missing_feature
from dstill_querydsl.language import schema


def test_stored_names_match_installed_engine() -> None:
    """Run `python -m dstill_querydsl.engines.probe` after an upgrade."""
    assert ask_embedded() == lacking()


def test_stores_real_names_only() -> None:
    assert set(lacking()["queries"]) < set(schema.names("query"))
    assert set(lacking()["aggregations"]) < set(schema.names("aggregation"))
    assert {"knn", "semantic", "pinned"} <= set(lacking()["queries"])
    assert {"top_metrics", "boxplot", "rate", "normalize", "scripted_metric", "moving_fn"} <= set(
        lacking()["aggregations"]
    )
    assert {"knn", "retriever", "runtime_mappings"} <= set(lacking()["keys"])


@pytest.mark.parametrize(
    ("reason", "real"),
    [
        ("400 parsing_exception: unknown query [pinned]", True),
        ("400 parsing_exception: unknown query [mach] did you mean [match]?", False),
        ("400 parsing_exception: unknown query [boxplot]", False),  # real, as an aggregation
        ("400 parsing_exception: Unknown aggregation type [rate] did you mean [range]?", True),
        ("400 parsing_exception: Unknown aggregation type [raet] did you mean [rate]?", False),
        ("400 parsing_exception: Unknown key for a START_OBJECT in [retriever].", True),
        ("400 parsing_exception: Unknown key for a START_OBJECT in [size].", False),
        ("400 unsupported_operation_exception: [moving_fn] aggregation is not supported by osmem", True),
        ("400 x_content_parse_exception: [1:97] [tdigest] unknown field [execution_hint]", True),
        ("400 x_content_parse_exception: [1:97] [tdigest] unknown field [compresion]", False),
        ("", False),
    ],
)
def test_distinguishes_unsupported_from_invented_names(reason: str, real: bool) -> None:
    assert is_missing_feature(reason) is real


def test_reads_names_from_engine_error() -> None:
    assert unknown("400 parsing_exception: unknown query [mach]") == ("queries", "mach")
    assert unknown("400 parsing_exception: Unknown aggregation type [aevrage]") == ("aggregations", "aevrage")
    assert unknown("400 parsing_exception: Unknown key for a VALUE_NUMBER in [sise].") == ("keys", "sise")
    assert unknown("400 illegal_argument_exception: something else") is None
