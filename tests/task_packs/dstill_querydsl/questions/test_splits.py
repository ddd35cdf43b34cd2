"""Sets of a data set: what is held out is held out by shape, and quakes by index."""

import json
from collections.abc import Callable

import pytest
from support.sizes import first_quick, size

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, splits
from dstill_querydsl.questions.templates.plan import HELD_REFUSAL, TEMPLATES
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.slow

ROWS = 300
UNSEEN = size("UNSEEN", ci=50, nightly=100)  # questions about the index that is held out


@pytest.fixture(scope="module")
def sets(index: Callable[[str], Index]) -> dict[str, list[Example]]:
    return splits(index("shop"), ROWS, 0, Rules())


def _golds(examples: list[Example]) -> set[str]:
    return {canonical_text(example.answer or "") for example in examples}


def test_split_sizes_and_names(sets: dict[str, list[Example]]) -> None:
    sizes = {name: len(examples) for name, examples in sets.items()}
    assert sizes == {"train": ROWS, "validation": ROWS // 20, "test": ROWS // 15, "test_unseen_templates": ROWS // 30}
    for name, examples in sets.items():
        assert {example.split for example in examples} == {name}
    everything = [example for examples in sets.values() for example in examples]
    assert (
        len({example.id for example in everything}) == len({e.question.lower() for e in everything}) == len(everything)
    )


def test_unseen_templates_share_no_shape_or_gold_with_train(sets: dict[str, list[Example]]) -> None:
    shapes = {template.name: template.shape for template in TEMPLATES}
    others = [example for name, examples in sets.items() if name != "test_unseen_templates" for example in examples]
    assert not {shapes[e.template] for e in sets["test_unseen_templates"]} & {shapes[e.template] for e in others}
    assert not _golds(sets["test_unseen_templates"]) & _golds(others)


def test_test_and_validation_use_train_templates(sets: dict[str, list[Example]]) -> None:
    trained = {example.template for example in sets["train"]}
    assert {example.template for example in [*sets["test"], *sets["validation"]]} <= trained


def test_train_has_all_parts_of_unseen_templates() -> None:
    seen = [template for template in TEMPLATES if not template.held_out]
    held = [template for template in TEMPLATES if template.held_out]
    asks, kinds = {one.ask for one in seen}, {kind for one in seen for kind in one.clauses}
    assert {one.ask for one in held} - asks == {HELD_REFUSAL}
    assert {kind for one in held for kind in one.clauses} <= kinds
    assert 0.08 < len(held) / len(TEMPLATES) < 0.16


def test_same_seed_gives_same_splits(index: Callable[[str], Index]) -> None:
    def rows(seed: int) -> str:
        return json.dumps(
            {name: [e.to_row() for e in found] for name, found in splits(index("fleet"), 30, seed, Rules()).items()}
        )

    found = rows(3)
    assert found == rows(3)
    assert found != rows(4)


@pytest.mark.parametrize("name", first_quick(["weblogs", "flights"]))
def test_unseen_index_is_quakes_without_golds_in_train(name: str) -> None:
    task = QueryDsl(Settings(index=name, n_questions=120, documents=900))
    unseen, train = list(task.examples("test_unseen_data")), list(task.examples("train"))
    assert len(unseen) == 120 // 30
    assert {example.context["index"] for example in unseen} == {"quakes"}
    assert {example.context["index"] for example in train} == {name}
    assert not _golds(unseen) & _golds(train)


@pytest.mark.nightly
def test_unseen_index_has_own_refusals() -> None:
    """What a refusal says names the documents, so that it is not the answer to another index' question."""
    task = QueryDsl(Settings(n_questions=30 * UNSEEN, documents=1500))
    unseen = list(task.examples("test_unseen_data"))
    assert len(unseen) == UNSEEN
    assert not _golds(unseen) & _golds(list(task.examples("train")))
    assert sum(task.is_refusal(example.answer or "") for example in unseen) >= 0.08 * UNSEEN
    assert {example.category for example in unseen} >= {"geo", "two_level", "refusal", "adversarial", "schema_variant"}


def test_user_index_has_splits(tmp_path, index: Callable[[str], Index]) -> None:
    own = index("shop")
    assert own.given_values is not None
    (tmp_path / "m.json").write_text(json.dumps(own.mapping))
    (tmp_path / "v.json").write_text(json.dumps(own.given_values.to_json()))
    files = {"mapping": str(tmp_path / "m.json"), "values": str(tmp_path / "v.json")}
    task = QueryDsl(Settings(index="orders", n_questions=60, **files))
    assert len(list(task.examples("train"))) == 60
    assert {example.context["index"] for example in task.examples("test")} == {"orders"}
    assert list(task.examples("test_unseen_data")) == []


def test_refuses_training_on_held_out_index() -> None:
    with pytest.raises(Exception, match="held out"):
        list(QueryDsl(Settings(index="quakes", n_questions=10)).examples("train"))
    assert bundled("quakes", 5).name == "quakes"
