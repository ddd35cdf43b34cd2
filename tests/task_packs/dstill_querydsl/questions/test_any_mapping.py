"""Whatever the mapping: no crash, and every gold is valid and runs."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dstill.errors import DataError
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.language.field_types import FAMILIES
from dstill_querydsl.questions.templates import Rules, Tally, questions
from dstill_querydsl.questions.templates.compose import compose
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.contexts import QuestionContexts
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.questions.templates.verify import GoldTrial

# A failing mapping is shown as it was found: each try takes long.
SLOW = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
TYPES = sorted(FAMILIES)
NAMES = st.one_of(
    st.sampled_from(["status", "created_at", "http", "user name", "x-cache", "{v}", "a\u0301", "🚀", "it's", '"q"']),
    st.text(min_size=1, max_size=8),
)  # fmt: skip
FORMATS = st.sampled_from(["epoch_millis", "dd.MM.yyyy", "yyyy-MM-dd HH:mm:ss", "xxxx-'W'ww-e", "strict_date_time"])


@st.composite
def _field(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    kind = draw(st.sampled_from([*TYPES, "text", "keyword", "long", "date", "ip", "geo_point", "boolean", "brand_new"]))
    if kind in ("nested", "object"):
        inner = draw(st.dictionaries(NAMES, _field(depth + 1), max_size=3)) if depth < 2 else {}
        return {"type": kind, "properties": inner}
    field: dict[str, Any] = {"type": kind}
    if kind == "date" and draw(st.booleans()):
        field["format"] = draw(FORMATS)
    if kind == "scaled_float":
        field["scaling_factor"] = 10
    if kind == "text" and draw(st.booleans()):
        field["fields"] = {"raw": {"type": "keyword"}}
    for key, value in (
        ("doc_values", False),
        ("index", False),
        ("meta", {"unit": draw(st.sampled_from(["ms", "byte", "EUR", "%"]))}),
    ):
        if draw(st.integers(0, 5)) == 0:
            field[key] = value
    return field


MAPPINGS = st.dictionaries(NAMES, _field(), min_size=1, max_size=8).map(lambda fields: {"properties": fields})
VALUES = st.sampled_from(
    [
        ["a", "b"], [1, 2, 3], [True], {"examples": ["x y z", 7]}, {"min": 1, "max": 9}, {"min": "2024-01-01"},
        {"examples": [{"lat": 1, "lon": 2}]}, ["10.0.0.1"], {"min": -3.5, "max": 10**15}, [],
    ]
)  # fmt: skip


def _index(mapping: dict[str, Any], values: list[Any]) -> Any:
    known = dict(zip(mapping["properties"], values, strict=False))
    return index_of({"index": "own", "mapping": mapping, "values": known})


@given(MAPPINGS, st.lists(VALUES, max_size=8))
@settings(SLOW, max_examples=40)
def test_every_template_gives_valid_gold_or_none(mapping: dict[str, Any], values: list[Any]) -> None:
    context, random = QuestionContexts(_index(mapping, values), 0).base, Random(1)
    trial = GoldTrial(Rules())
    for template in TEMPLATES[:: 1 if len(context.roles) else 40]:
        try:
            made = compose(context, template, random)
        except Skip:
            continue
        assert trial.checked(made).dropped == "", made.example.answer
        assert "\x01" not in made.example.question
        json.dumps(made.example.to_row())


@pytest.mark.slow
@given(MAPPINGS, st.lists(VALUES, max_size=8))
@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_questions_run(mapping: dict[str, Any], values: list[Any]) -> None:
    tally, index = Tally(), _index(mapping, values)
    if not QuestionContexts(index, 0).base.roles:
        with pytest.raises(DataError, match="no field that a question can use"):
            list(questions(index, 20, 0, Rules(), tally))
        return
    assert list(questions(index, 20, 0, Rules(), tally))
    assert not {reason for reason in tally.dropped if reason.startswith(("json", "schema", "mapping", "invalid"))}
