"""Schema variants: the same data and the same answers by other names."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.field_counts import leaves
from support.sizes import first_quick
from support.tables import rows

from dstill.api.checking import find_problems
from dstill.api.protocols import Synthesis
from dstill.api.records import Example, OutcomeKind
from dstill.api.values import Known, Values
from dstill.errors import DataError
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import NAMES, Index, bundled
from dstill_querydsl.engines import Embedded
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.results import compare
from dstill_querydsl.language.variants import WIDE, Variant, new_name, rename, vary
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

SEEDS = st.integers(0, 10_000)
DOCUMENTS = 300
GOLDS = 120


# --- the property that counts ----------------------------------------------------------------


@pytest.fixture(scope="module")
def task() -> QueryDsl:
    return QueryDsl(Settings(documents=DOCUMENTS))


@pytest.fixture(scope="module")
def golds(task: QueryDsl) -> list[Example]:
    made = Synthesis.of(task).synthesize({}, GOLDS, 5)
    own = [example for example in made if example.context.keys() == {"index"}]  # some are about a variant
    return [example for example in own if example.answer and not task.is_refusal(example.answer)]


@pytest.mark.parametrize("seed", first_quick([0, 1, 3]))
def test_renamed_gold_has_same_result(seed: int, golds: list[Example], executor: Embedded, task: QueryDsl) -> None:
    variant = vary(bundled("weblogs", DOCUMENTS), seed)
    different = []
    for example in golds:
        want = executor.run(example.answer or "", example)
        if want.kind is not OutcomeKind.OK:
            continue
        body = json.dumps(rename(json.loads(example.answer or ""), variant.names))
        there = replace(example, answer=body, context={**example.context, "variant": seed})
        got = executor.run(body, there)
        assert got.kind is OutcomeKind.OK, (body, got.reason)
        if not compare.same(_with_old_names(got.value, variant), want.value):
            different.append((example.answer, body))
        draft = task.parse(f"<rationale>x</rationale><answer>{body}</answer>")
        assert draft is not None
        assert not [p for p in find_problems(task, there, draft) if p.is_error]
    print(f"{len(golds)} golds on a variant that is {variant.structure}, {variant.distractors} further fields")
    assert not different


def _with_old_names(value: dict[str, Any], variant: Variant) -> dict[str, Any]:
    """Selected fields have names: turn those of the variant back."""
    old = {new: name for name, new in variant.names.items()}
    hits = [
        {**hit, "fields": {old.get(k, k): v for k, v in hit["fields"].items()}} if "fields" in hit else hit
        for hit in value["hits"]
    ]
    return {**value, "hits": hits}


def test_seeds_cover_every_structure_and_both_widths() -> None:
    made = [vary(bundled("weblogs", DOCUMENTS), seed) for seed in (0, 1, 3)]
    assert {one.structure for one in made} == {"kept", "opened", "grouped"}
    assert {one.distractors > 0 for one in made} == {True, False}


# --- schemas ----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(name=st.sampled_from(NAMES), seed=SEEDS)
def test_every_field_has_one_new_name_of_same_kind(name: str, seed: int) -> None:
    index = bundled(name, 5)
    variant = vary(index, seed)
    old, new = Fields.of(index.mapping), Fields.of(variant.index.mapping)
    for field in old:
        if field.family == "object" and field.name not in variant.names:
            assert variant.structure == "opened"
            continue
        there = new.get(variant.names[field.name])
        assert (there.type, there.sub) == (field.type, field.sub)
        assert [variant.names[path] for path in field.nested] == list(there.nested)
    assert len(set(variant.names.values())) == len(variant.names)
    assert variant.index.mapping["_meta"] == index.mapping["_meta"]
    assert variant.distractors == 0 or WIDE[0] <= variant.distractors <= WIDE[1]


@settings(max_examples=25)
@given(name=st.sampled_from(NAMES), seed=SEEDS)
def test_documents_have_same_values_under_new_names(name: str, seed: int) -> None:
    index = bundled(name, 6)
    variant = vary(index, seed)
    fields = Fields.of(variant.index.mapping)
    moved = list(variant.index.documents())
    assert moved == list(variant.index.documents())
    for (old_id, source), (new_id, other) in zip(index.documents(), moved, strict=True):
        assert old_id == new_id
        want = Counter((new_name(path, variant.names), json.dumps(value)) for path, value in leaves(source))
        got = Counter((path, json.dumps(value)) for path, value in leaves(other))
        assert want <= got
        further = {path for path, _ in got - want}
        assert all(fields.get(path) is not None for path, _ in got)
        assert further.isdisjoint(variant.names.values())
        assert bool(further) is (variant.distractors > 0)


@given(seed=SEEDS)
@settings(max_examples=5)
def test_same_seed_gives_same_variant(seed: int) -> None:
    index = bundled("movies", 5)
    one, other = vary(index, seed), vary(index, seed)
    assert one.names == other.names
    assert json.dumps(one.index.mapping) == json.dumps(other.index.mapping)
    assert one.index.digest == other.index.digest


def test_different_seeds_give_different_variants() -> None:
    index = bundled("flights", 5)
    made = [vary(index, seed) for seed in range(30)]
    assert len({json.dumps(one.index.mapping) for one in made}) == 30
    assert len({one.index.digest for one in made}) == 30
    assert {one.structure for one in made} == {"kept", "opened", "grouped"}
    changed = [sum(old != new for old, new in one.names.items()) / len(one.names) for one in made]
    assert sum(changed) / len(changed) > 0.5


def test_wide_variant_raises_field_limit() -> None:
    variant = vary(bundled("flights", 5), 1, distractors=900)
    assert variant.distractors == 900
    assert variant.index.settings["index.mapping.total_fields.limit"] > 1_000
    assert "index.mapping.total_fields.limit" not in vary(bundled("flights", 5), 1, distractors=0).index.settings


def test_varies_user_index_with_aliases_copies_and_values() -> None:
    mapping = {
        "mine": {
            "mappings": {
                "properties": {
                    "host": {"properties": {"name": {"type": "keyword", "copy_to": "all"}}},
                    "machine_name": {"type": "alias", "path": "host.name"},
                    "all": {"type": "text"},
                    "labels": {"type": "flattened"},
                }
            }
        }
    }
    values = Values({"host.name": Known(values=("a", "b"), complete=True)})
    index = Index(name="mine", mapping=mapping, settings={}, now="", documents=tuple, given_values=values)
    for seed in range(6):
        variant = vary(index, seed, distractors=0)
        field = Fields.of(variant.index.mapping).get(variant.names["machine_name"])
        assert field.type == "keyword"
        source = Fields.of(variant.index.mapping).get(variant.names["host.name"])
        assert source.options["copy_to"] == [variant.names["all"]]
        assert variant.index.values.get(variant.names["host.name"]) == values.get("host.name")
        assert variant.index.recipe == ""
        renamed = rename({"query": {"term": {"labels.env.tier": "x"}}}, variant.names)
        assert renamed == {"query": {"term": {f"{variant.names['labels']}.env.tier": "x"}}}


# --- by context -------------------------------------------------------------------------------


def test_context_selects_variant() -> None:
    index = index_of({"index": "weblogs", "variant": 3}, Settings(documents=20))
    assert index.name == "weblogs-variant-3"
    assert len(list(index.documents())) == 20
    assert index is index_of({"index": "weblogs", "variant": 3}, Settings(documents=20))


@pytest.mark.parametrize("seed", ["3", True, [1]])
def test_variant_must_be_an_integer(seed: Any) -> None:
    with pytest.raises(DataError, match="is not a variant"):
        index_of({"index": "weblogs", "variant": seed})


# --- bodies -----------------------------------------------------------------------------------

NAMES_OF = {"a": "A", "a.b": "A.B", "a.b.raw": "A.B.kw", "n": "N", "n.x": "N.X", "field": "F", "path": "P", "host": "H"}


@pytest.mark.parametrize(
    ("body", "want"),
    rows(__file__, "renamed.jsonl"),
)  # fmt: skip
def test_renames_fields_only(body: dict[str, Any], want: dict[str, Any]) -> None:
    assert rename(body, NAMES_OF) == want
    assert rename(rename(body, NAMES_OF), {new: old for old, new in NAMES_OF.items()}) == body


def test_object_and_pattern_are_the_fields_that_match() -> None:
    names = {"http.status": "http_status", "http.path": "http_path", "http.path.raw": "http_path.raw"}
    assert rename({"_source": ["http", "x"]}, names) == {"_source": ["http_status", "http_path", "x"]}
    assert rename({"_source": "http"}, names) == {"_source": ["http_status", "http_path"]}
    with pytest.raises(DataError, match="'http' is several fields in the variant"):
        rename({"query": {"exists": {"field": "http"}}}, names)
    names = {"http.status": "http_status", "http.path": "http_path", "host": "host"}
    assert rename({"_source": ["http.*", "host"]}, names) == {"_source": ["http_status", "http_path", "host"]}
    assert rename({"_source": "*"}, names) == {"_source": "*"}


@settings(max_examples=30)
@cache
def some_golds() -> tuple[Example, ...]:
    examples = Synthesis.of(QueryDsl(Settings(documents=60))).synthesize({}, 100, seed=0)
    return tuple(example for example in examples if "variant" not in example.context)


@pytest.mark.slow
@given(seed=SEEDS)
def test_renamed_gold_uses_variant_fields_only(seed: int) -> None:
    variant = vary(bundled("weblogs", 60), seed)
    fields = Fields.of(variant.index.mapping)
    for example in some_golds():
        body = json.loads(example.answer or "")
        if "refusal" not in body:
            renamed = rename(body, variant.names)
            assert all(fields.get(use.name) is not None for use in uses(renamed)), (body, renamed)
