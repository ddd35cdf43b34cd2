"""The checks against what real engines said of third-party bodies.

What is asserted is what was reached: a figure may rise, and the numbers are raised with it.
"""

import time

import pytest

from dstill_querydsl import mapping_check, schema
from dstill_querydsl.fields import Fields


def _refused(problems) -> bool:
    return any(problem.is_error for problem in problems)


def _share(name: str, hits: int, of: int) -> float:
    print(f"{name}: {hits} of {of} ({hits / of:.2%})")
    return hits / of


def test_valid_bodies_pass_the_schema(cases) -> None:
    rows = cases("dsl_valid.jsonl")
    refused = [row["id"] for row in rows if _refused(schema.check(row["query"]))]
    _share("valid bodies refused", len(refused), len(rows))
    # Each of these four says date_histogram.interval, which Elasticsearch refuses since 8.
    assert len(refused) <= 4
    assert not [
        i for i in refused if _refused(schema.check(next(r["query"] for r in rows if r["id"] == i), "opensearch3"))
    ]


def test_a_body_takes_a_millisecond_or_so(cases) -> None:
    rows = cases("dsl_valid.jsonl")
    schema.check({})
    start = time.perf_counter()
    for row in rows:
        schema.check(row["query"])
    each = (time.perf_counter() - start) / len(rows)
    print(f"schema: {each * 1e3:.2f} ms a body")
    assert each < 0.01  # ten times what it takes on an idle machine


def test_invalid_bodies_are_refused(cases) -> None:
    rows = cases("dsl_invalid.jsonl")
    refused = 0
    for row in rows:
        problems = schema.check(row["query"])
        mapping = row.get("mapping") or ("corpus" in row and cases(f"corpora/{row['corpus']}.json")["mapping"])
        if mapping:
            problems += mapping_check.check(row["query"], mapping)
        refused += _refused(problems)
    assert _share("invalid bodies refused", refused, len(rows)) >= 0.95


def test_form_mutants(cases) -> None:
    rows = cases("form_mutants.jsonl")
    by_verdict = {verdict: [r for r in rows if r["verdict"] == verdict] for verdict in ("reject", "accept", "dialect")}
    refused = {v: sum(_refused(schema.check(r["query"])) for r in some) for v, some in by_verdict.items()}
    assert _share("reject, refused", refused["reject"], len(by_verdict["reject"])) >= 0.99
    # What is refused here is read by the parsers only in part: a scalar among a bool's clauses, a list around a range.
    assert _share("accept, refused", refused["accept"], len(by_verdict["accept"])) <= 0.03
    for row in by_verdict["dialect"]:
        for dialect, engine in (("elasticsearch9", "es9"), ("elasticsearch8", "es8")):
            assert _refused(schema.check(row["query"], dialect)) == (row["engines"][engine] != 200), (
                dialect,
                row["id"],
            )


@pytest.fixture(scope="module")
def field_mutants(cases):
    """Each mutant with the fields of its mapping after indexing, and what the checks say of it."""
    effective = cases("effective_mappings.json")
    fields = {name: Fields.of(mapping) for name, mapping in effective["mappings"].items()}
    rows = []
    for row in cases("field_mutants.jsonl"):
        known = fields[effective["of"][row["of"]]]
        rows.append((row, known, mapping_check.check(row["query"], known) + schema.check(row["query"])))
    return rows


def _silent(row) -> bool:
    return row["verdict"].startswith("silent")


def test_field_mutants_that_engines_refuse(field_mutants) -> None:
    hits = [_refused(problems) for row, _, problems in field_mutants if row["verdict"] == "error"]
    assert _share("error, refused", sum(hits), len(hits)) >= 0.99


def test_field_mutants_without_such_a_field(field_mutants) -> None:
    silent = [(row, known, p) for row, known, p in field_mutants if _silent(row) and row["new_type"] is None]
    # Dynamic mapping made some of the names after all: sub-fields and objects that the file does not count as fields.
    unknown = [problems for row, known, problems in silent if known.get(row["new"]) is None]
    assert _share("no such field, refused", sum(map(_refused, unknown)), len(unknown)) == 1
    assert len(unknown) >= 240


def test_field_mutants_on_objects(field_mutants) -> None:
    hits = [bool(p) for row, _, p in field_mutants if _silent(row) and row["new_type"] in ("object", "nested")]
    assert _share("object or nested, any problem", sum(hits), len(hits)) >= 0.95


def test_field_mutants_that_are_right(field_mutants) -> None:
    right = ("same", "changed")
    rows = [
        (row, p) for row, _, p in field_mutants if row["verdict"] in right and row["new_type"] not in (None, "dynamic")
    ]
    assert _share("same or changed, refused", sum(_refused(p) for _, p in rows), len(rows)) <= 0.01


def test_other_silent_field_mutants(field_mutants) -> None:
    hits = [
        bool(p) for row, _, p in field_mutants if _silent(row) and row["new_type"] not in (None, "object", "nested")
    ]
    _share("other silent ones, any problem (no goal)", sum(hits), len(hits))
