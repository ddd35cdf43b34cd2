"""Answers with numpy: the scores of the torch model, and no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.sums_form import SumsForm, examples
from support.sums_student import sources, student, texts

from dstill.api.form import Form
from dstill.linked import Item, Schema, read
from dstill_linked import student as student_module
from dstill_linked.generation import LinkedGenerator, Scorer
from dstill_linked.model import LinkedModel
from dstill_linked.saving import LinkedFacts, quantized, read_model, read_scorer, scorer_of, write_student
from dstill_linked.shape import RATIONALE, START, Shape
from dstill_linked.torch_scorer import TorchScorer
from dstill_linked.vocabulary import RELATIONS, Row, Vocabulary

FORM = SumsForm()
SIZES = {
    "small": {"width": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 64},
    "real": {"width": 192, "heads": 6, "encoder_layers": 4, "decoder_layers": 2, "hidden": 768},
}


def random_model(sizes: str = "small", form: Form = FORM, longest: int = 16) -> LinkedModel:
    """All weights are random, also those that begin as zeros or ones."""
    vocabulary = Vocabulary.of(form)
    shape = Shape(
        features=vocabulary.n_features, tokens=vocabulary.n_tokens, relations=RELATIONS, longest=longest, **SIZES[sizes]
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LinkedModel(shape)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.normal_(1.0 if "norm" in name else 0.0, 0.3 if weight.ndim < 2 else weight.shape[1] ** -0.5)
    return model.eval()


def facts_of(model: LinkedModel, form: Form = FORM) -> LinkedFacts:
    vocabulary = Vocabulary.of(form)
    return LinkedFacts(
        shape=model.shape.to_json(), tokens=vocabulary.tokens, features=vocabulary.features,
        branches=["predict: ", "explain: "], modality="full", seed=0, max_length=64, max_target_length=16, threads=1,
    )  # fmt: skip


def rows(count: int) -> list[Row]:
    """Readings of different lengths, with links and siblings; the last has no word."""
    vocabulary = Vocabulary.of(FORM)
    items = [Item(name=f"a.{n}", words=(f"w{n}",), above=("a",), kind="number") for n in range(6)]
    questions = [f"w{n} plus w{n + 1} and {'more ' * (n % 4)}7" for n in range(count - 1)]
    found = [read(question, Schema(items[: 1 + n % 6])) for n, question in enumerate(questions)]
    return [vocabulary.read(one) for one in (*found, read("", Schema(items)))]


def scores(scorer: Scorer, given: Sequence[Row], steps: int) -> list[Any]:
    """The scores of some steps. After the second, every other row goes on."""
    found = []
    with scorer.running():
        answers, number = scorer.start(given), START + 0 * np.arange(len(given))
        for step in range(steps):
            found.append(answers.step(number))
            number = (7 * np.arange(len(number)) + step) % found[-1].shape[1]  # tokens, pointers
            if step == 1 and len(number) > 1:
                answers.take(range(0, len(number), 2))
                number = number[::2]
    return found


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("count", [1, 7])
def test_scores_are_those_of_the_torch_model(sizes: str, count: int) -> None:
    model, given = random_model(sizes), rows(8)[:count]
    for one, other in zip(
        scores(scorer_of(model), given, 5), scores(TorchScorer(model, threads=1), given, 5), strict=True
    ):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)
        assert np.abs(other[other > -1e3]).max() > 1


def test_reading_without_words_and_items_has_scores() -> None:
    given = [Vocabulary.of(FORM).read(read("", Schema([])))]
    model = random_model()
    np.testing.assert_allclose(*(scores(one, given, 2) for one in (scorer_of(model), TorchScorer(model))), atol=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_both_read_the_same_weights(precision: str, tmp_path: Path) -> None:
    model = random_model()
    state = {name: value.bfloat16() if precision == "bf16" else value for name, value in model.state_dict().items()}
    write_student(tmp_path, quantized(state) if precision == "int8" else state, facts_of(model))
    (again, _), (scorer, _) = read_model(tmp_path, FORM), read_scorer(tmp_path, FORM)
    if precision != "int8":
        assert all(torch.equal(value.float(), again.state_dict()[name]) for name, value in state.items())
    for one, other in zip(scores(scorer, rows(3), 3), scores(TorchScorer(again), rows(3), 3), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)


@pytest.mark.parametrize("constrain", [True, False])
def test_answers_and_samples_are_the_same(constrain: bool) -> None:
    model, asked = random_model(), [*sources(examples(20)), *sources(examples(4), "explain: ")]
    one, other = (
        LinkedGenerator(scorer, FORM, facts_of(model), constrain=constrain)
        for scorer in (scorer_of(model), TorchScorer(model))
    )
    other.scorer.batch = one.scorer.batch
    assert texts(one.generate(asked)) == texts(other.generate(asked))
    drawn = [[texts(found) for found in which.sample(asked, 3, temperature=1.5, seed=5)] for which in (one, other, one)]
    assert drawn[0] == drawn[1] == drawn[2]
    assert drawn[0] != [texts(found) for found in one.sample(asked, 3, temperature=1.5, seed=6)]


@pytest.mark.parametrize("constrain", [True, False])
def test_logprob_is_that_of_the_written_tokens(constrain: bool) -> None:
    """Of all tokens, also of those that the cursor does not allow."""
    model, asked = random_model(), sources(examples(6))
    scorer = scorer_of(model)
    generator = LinkedGenerator(scorer, FORM, facts_of(model), constrain=constrain)
    other = LinkedGenerator(TorchScorer(model), FORM, facts_of(model), constrain=constrain)
    rows = [generator._row(source) for source in asked]
    for row in rows:
        generator._write([row], None)
        with scorer.running():
            answer, before = scorer.start([row.positions]), row.start
            for number, logprob in zip(row.written, row.logprobs, strict=True):
                found = answer.step(np.array([before]))[0].astype(float)
                found[[START, RATIONALE]] = -np.inf
                assert logprob == pytest.approx(found[number] - np.logaddexp.reduce(found), abs=1e-3)
                before = number
    for row, one, two in zip(rows, generator.generate(asked), other.generate(asked), strict=True):
        assert (one.tokens, one.logprob) == (len(row.written), pytest.approx(sum(row.logprobs), abs=1e-2))
        assert two.logprob == pytest.approx(one.logprob, abs=1e-2)
        assert one.least_logprob == pytest.approx(min(row.logprobs), abs=1e-2)


@pytest.mark.parametrize("constrain", [True, False])
def test_candidates_of_at_least_a_log_probability_are_those_of_all(constrain: bool) -> None:
    model = random_model()
    generator = LinkedGenerator(scorer_of(model), FORM, facts_of(model), constrain=constrain)
    for source in sources(examples(6)):
        ((first, *others),) = generator.candidates([source], 8)
        probabilities = [one.logprob or 0.0 for one in (first, *others)]
        assert len(others) > 2
        assert probabilities == sorted(probabilities, reverse=True)
        for kept in (0, 2, len(others)):
            (several,) = generator.candidates([source], 8, least_logprob=probabilities[kept] - 1e-3)
            assert texts(several)[: kept + 1] == texts([first, *others])[: kept + 1]
        (none,) = generator.candidates([source], 8, least_logprob=probabilities[0] + 0.1)
        assert all(one.truncated for one in none)


def test_samples_have_the_probabilities_of_a_softmax() -> None:
    model, asked = random_model(), sources(examples(1))
    generator = LinkedGenerator(scorer_of(model), FORM, replace(facts_of(model), max_target_length=1), constrain=False)
    (drawn,) = generator.sample(asked, 800, temperature=2.0, seed=0)
    vocabulary, reading = Vocabulary.of(FORM), FORM.read(asked[0].example)
    (first,) = scores(scorer_of(model), [vocabulary.read(reading)], 1)
    first[:, [START, RATIONALE]] = -np.inf
    expected = np.exp(first[0] / 2) / np.exp(first[0] / 2).sum()
    for text in {reading.text(position) for position in range(len(reading))}:
        numbers = [vocabulary.number(position) for position in range(len(reading)) if reading.text(position) == text]
        assert texts(drawn).count(text) / 800 == pytest.approx(expected[numbers].sum(), abs=0.05)


def test_large_student_answers_in_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model()
    write_student(tmp_path, model.state_dict(), facts_of(model))
    asked, small = sources(examples(9)), student().load(tmp_path)
    monkeypatch.setattr(student_module, "LARGE_MODEL", small.scorer.shape.in_layers - 1)
    large = student().load(tmp_path)
    assert isinstance(large.scorer, TorchScorer)
    assert texts(large.generate(asked)) == texts(small.generate(asked))


def test_answers_need_no_torch(tmp_path: Path, root: Path) -> None:
    model = random_model()
    write_student(tmp_path, model.state_dict(), facts_of(model))
    code = f"""
import sys
sys.path.append({str(root / "tests")!r})
sys.modules.update(dict.fromkeys(["torch", "transformers", "accelerate", "peft"]))  # importing one is an error
from support.sums_form import examples
from support.sums_student import sources, student
from pathlib import Path
generator = student().load(Path({str(tmp_path)!r}))
drawn = generator.sample(sources(examples(1)), 2, temperature=1, seed=0)
print(len(list(generator.generate(sources(examples(3))))), len(list(drawn)))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("3 1\n", "")


def test_student_shape_names_every_weight() -> None:
    model = random_model()
    assert dict(model.shape.weights()) == {name: tuple(value.shape) for name, value in model.state_dict().items()}
