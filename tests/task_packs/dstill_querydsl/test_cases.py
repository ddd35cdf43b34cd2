"""The checks against what real engines said of third-party bodies.

What is asserted is what was reached: a figure may rise, and the numbers are raised with it.
"""

import re
from collections import Counter

import pytest

from dstill_querydsl.language import schema
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import check


def _refused(problems) -> bool:
    return any(problem.is_error for problem in problems)


def _share(name: str, hits: int, of: int) -> float:
    print(f"{name}: {hits} of {of} ({hits / of:.2%})")
    return hits / of


INTERVAL = "date_histogram.interval, which Elasticsearch gave up in 8"
BOOST = "indices_boost as an object, which Elasticsearch 8 and 9 answer with a 400 (engine_verdicts.jsonl)"
# Every valid body that the schema refuses for Elasticsearch 9, with the reason. OpenSearch takes all of them.
REFUSED = {
    "v-48ab7b61c9": INTERVAL,
    "v-8afcb137c7": INTERVAL,
    "v-a1e5954203": INTERVAL,
    "v-ef39fffb86": INTERVAL,
    "v-8c4f16a9f4": BOOST,
}


def test_valid_bodies_pass_schema(cases) -> None:
    rows = cases("dsl_valid.jsonl")
    refused = {row["id"]: schema.check(row["query"]) for row in rows if _refused(schema.check(row["query"]))}
    _share("valid bodies refused", len(refused), len(rows))
    assert refused.keys() == REFUSED.keys()
    assert all(problems[0].pointer.endswith(("/interval", "/indices_boost")) for problems in refused.values())
    assert not [
        row["id"] for row in rows if row["id"] in refused and _refused(schema.check(row["query"], "opensearch3"))
    ]


# Every invalid body that the layers json, schema and mapping let pass, with the reason.
MAX_ACCEPTED = {
    "i-0200b0218b": "a word for a number inside the text of a query_string, which only its parser reads",
    "i-799a095df4": "a limit of the index: how long a text may be that is highlighted without offsets",
    "i-671bbb5645": "a limit of the index: index.max_docvalue_fields_search, there set to 2",
    "i-efa3e68a18": "a limit of the index: index.max_script_fields, there set to 2",
}


def test_refuses_invalid_bodies(cases) -> None:
    refused: Counter[str] = Counter()
    rows = cases("dsl_invalid.jsonl")
    passed = set()
    for row in rows:
        problems = schema.check(row["query"])
        mapping = row.get("mapping") or ("corpus" in row and cases(f"corpora/{row['corpus']}.json")["mapping"])
        if mapping:
            problems += check.check(row["query"], mapping)
        refused[row["kind"]] += _refused(problems)
        passed |= set() if _refused(problems) else {row["id"]}
    of = Counter(row["kind"] for row in rows)
    shares = {kind: _share(f"invalid, {kind}", refused[kind], of[kind]) for kind in sorted(of)}
    assert min(shares[kind] for kind in ("structure", "cross-field", "value")) >= 0.95
    assert passed == MAX_ACCEPTED.keys()


# What is refused although engines run it: each reads a part of the body, and passes over the rest without a word.
IGNORED = re.compile(
    r"an item of '(must|should|must_not|filter|ranges)' must be"  # a scalar among clauses or ranges
    r"|'must_not' must be an object or a list, found null"
    r"|must be an object( or one of asc, desc)?, found \["  # a list around a range or a sort's options
)
ENGINES = {"elasticsearch9": "es9", "elasticsearch8": "es8", "opensearch2": "os2", "opensearch3": "os3"}


def test_refuses_form_mutants_that_engines_refuse(cases) -> None:
    rows = cases("form_mutants.jsonl")
    by_verdict = {verdict: [r for r in rows if r["verdict"] == verdict] for verdict in ("reject", "accept", "dialect")}
    problems = {row["id"]: schema.check(row["query"]) for row in rows}
    refused = {v: [row for row in some if _refused(problems[row["id"]])] for v, some in by_verdict.items()}
    for mutation in sorted({row["mutation"] for row in rows}):
        counts = [
            sum(row["mutation"] == mutation for row in some)
            for v in ("reject", "accept")
            for some in (refused[v], by_verdict[v])
        ]
        print("{}: {} of {} to reject, {} of {} to accept".format(mutation, *counts))
    assert _share("reject, refused", len(refused["reject"]), len(by_verdict["reject"])) >= 0.995
    assert _share("accept, refused", len(refused["accept"]), len(by_verdict["accept"])) <= 0.03
    for row in refused["accept"]:
        assert IGNORED.search(problems[row["id"]][0].message), problems[row["id"]][0]
    for row in by_verdict["dialect"]:
        for dialect, engine in ENGINES.items():
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
        rows.append((row, known, check.check(row["query"], known) + schema.check(row["query"])))
    return rows


def _silent(row) -> bool:
    return row["verdict"].startswith("silent")


def test_refuses_field_mutants_that_engines_refuse(field_mutants) -> None:
    hits = [_refused(problems) for row, _, problems in field_mutants if row["verdict"] == "error"]
    assert _share("error, refused", sum(hits), len(hits)) >= 0.99


def test_refuses_mutants_with_unknown_field(field_mutants) -> None:
    silent = [(row, known, p) for row, known, p in field_mutants if _silent(row) and row["new_type"] is None]
    # Dynamic mapping made some of the names after all: sub-fields and objects that the file does not count as fields.
    unknown = [problems for row, known, problems in silent if known.get(row["new"]) is None]
    assert _share("no such field, refused", sum(map(_refused, unknown)), len(unknown)) == 1
    assert len(unknown) >= 240


def test_refuses_mutants_on_objects(field_mutants) -> None:
    hits = [bool(p) for row, _, p in field_mutants if _silent(row) and row["new_type"] in ("object", "nested")]
    assert _share("object or nested, any problem", sum(hits), len(hits)) >= 0.95


def test_accepts_correct_field_mutants(field_mutants) -> None:
    right = ("same", "changed")
    rows = [
        (row, p) for row, _, p in field_mutants if row["verdict"] in right and row["new_type"] not in (None, "dynamic")
    ]
    assert _share("same or changed, refused", sum(_refused(p) for _, p in rows), len(rows)) <= 0.01


def test_reports_other_silently_empty_mutants(field_mutants) -> None:
    hits = [
        bool(p) for row, _, p in field_mutants if _silent(row) and row["new_type"] not in (None, "object", "nested")
    ]
    _share("other silent ones, any problem (no goal)", sum(hits), len(hits))
