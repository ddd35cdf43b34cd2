"""The folder of a base, from a trained student."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.sums_form import SumsForm, examples
from support.sums_student import fit, sources, student, texts
from tools.base.pack import NAMES, load

from dstill.errors import DataError
from dstill_linked.encoding import LinkedRow, row_of
from dstill_linked.making import publishing
from dstill_linked.making.data import BaseData
from dstill_linked.making.publishing import exact, publish
from dstill_linked.making.transfer import transferred
from dstill_linked.saving import read_facts, read_model
from dstill_linked.vocabulary import NUMBERS, Vocabulary


def rows() -> list[LinkedRow]:
    form = SumsForm()
    asked = [(form.read(example), example.answer or "") for example in examples(40, seed=9)]
    return [row_of(Vocabulary.of(form), reading, form.encode(answer, reading)) for reading, answer in asked]


def about() -> BaseData:
    return BaseData(
        task="sums",
        form=SumsForm(),
        answers=lambda *_: iter(()),
        about="Sums of two numbers.",
        weaknesses=["It adds."],
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    fit(folder / "student", max_steps=60)
    training = {"seconds": 5400.0, "steps": 60, "rows": 480, "curve": [[1, 8, 2.5], [2, 480, 0.5]]}
    (folder / "student" / "training.json").write_text(json.dumps(training))
    (folder / "scores.json").write_text(json.dumps({"by hand": "12 % (n = 40)"}))
    return folder / "student"


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_base_is_small_and_its_card_has_measured_figures(precision: str, trained: Path, tmp_path: Path) -> None:
    publish(trained, tmp_path, about(), rows(), precision=precision, known_errors="Sums of sums.")
    assert read_facts(tmp_path).known_errors == "Sums of sums."
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.md", "linked.json", "model.safetensors"]
    before, after = (folder.joinpath("model.safetensors").stat().st_size for folder in (trained, tmp_path))
    assert after < 0.55 * before
    card = (tmp_path / "README.md").read_text()
    for words in ("license: apache-2.0", read_facts(tmp_path).sha256, precision, "1.50 hours", "480 rows", "2.5 → 0.5",
                  "by hand", "n = 40", "The base sums", "Sums of two numbers.", "## Weaknesses", "- Sums of sums.",
                  "- It adds."):  # fmt: skip
        assert words in card
    assert "/" not in (tmp_path / "linked.json").read_text()
    assert texts(student().load(tmp_path).generate(sources(examples(3))))


def test_blend_is_the_mean_of_two_students(trained: Path, tmp_path: Path) -> None:
    fit(tmp_path / "other", max_steps=2)
    publish(trained, tmp_path / "out", about(), rows(), precision="bf16", blend=(tmp_path / "other", 0.75))
    first, other, made = (
        read_model(folder, SumsForm())[0].state_dict() for folder in (trained, tmp_path / "other", tmp_path / "out")
    )
    for name, value in made.items():
        assert torch.allclose(value, 0.75 * first[name] + 0.25 * other[name], atol=0.02, rtol=0.02)
    assert "75% of these weights" in (tmp_path / "out" / "README.md").read_text()


def test_exact_is_the_exact_match_of_greedy_answers(trained: Path) -> None:
    model, _ = read_model(trained, SumsForm())
    asked = examples(40, seed=9)
    form = SumsForm()
    form.constrained = False
    generator = student().load(trained)
    generator.form = form
    right = sum(text == one.answer for text, one in zip(texts(generator.generate(sources(asked))), asked, strict=True))
    assert exact(model, rows()) == pytest.approx(right / 40)
    assert right


def test_weights_that_are_too_large_are_refused(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "LARGEST", 1000)
    with pytest.raises(DataError, match="1,000 are allowed"):
        publish(trained, tmp_path, about(), rows())


def test_weights_go_over_to_another_form_by_name() -> None:
    sources, target = (Vocabulary(tokens=tokens, features=features) for tokens, features in (
        (("a", "b"), ("x", "y")), (("c", "b", "a"), ("y", "z"))))  # fmt: skip

    def weights(vocabulary: Vocabulary, first: float) -> dict[str, torch.Tensor]:
        sizes = {"features.weight": vocabulary.n_features, "tokens.weight": vocabulary.n_tokens, "places.weight": 3}
        return {name: first + torch.arange(rows)[:, None].float() for name, rows in sizes.items()}

    known, new = weights(sources, 0), weights(target, 1e6)
    made = transferred(known, sources, new, target)
    assert torch.equal(made["places.weight"], known["places.weight"])
    assert made["tokens.weight"][:, 0].tolist() == [0, 1, 2, 1e6 + 3, 4, 3]
    features = made["features.weight"][:, 0].tolist()
    assert features[:NUMBERS] == list(range(NUMBERS))
    assert features[NUMBERS : NUMBERS + 2] == [NUMBERS + 1, 1e6 + NUMBERS + 1]
    assert features[-1] == sources.n_features - 1


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_a_base_has_the_cut_of_its_development_questions(name: str) -> None:
    published = load(name)
    assert read_facts(published.folder).unsure_below == pytest.approx(
        publishing.unsure_below(published.folder, published), abs=0.01
    )
