from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.inputs import inputs

from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Pair
from dstill.api.student import TrainingJob
from dstill.errors import DataError, MissingExtra
from dstill_evaluate.nearest_neighbour import FILE, Nearest, NearestGenerator

TRAIN = {
    "requests that failed with 503": "status = 503",
    "requests that failed with 404": "status = 404",
    "the ten slowest requests": "sort took desc, size 10",
    "how many visits came from Lima": "count city = Lima",
}


class NoOpModality(Modality):
    name = "unmoved"
    priority = 0

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return Memory(parts={})

    def prepare(self, model: object, recipe: Recipe) -> object:
        return model


def job(folder: Path, rows: Sequence[tuple[Pair, ...]]) -> TrainingJob:
    return TrainingJob(
        train=rows,
        validation=(),
        modality=NoOpModality(),
        recipe=Recipe(),
        device=Device(name="here", kind="cpu", total=1, free=1),
        folder=folder,
        seed=0,
    )


def rows() -> list[tuple[Pair, ...]]:
    return [
        (
            Pair(task_prefix="predict: ", source=question, target=answer, weight=0.5),
            Pair(task_prefix="explain: ", source=question, target="because", weight=0.5),
        )
        for question, answer in TRAIN.items()
    ]


def answers(writer: object, *questions: str) -> list[str]:
    assert isinstance(writer, NearestGenerator)
    return [written.text for written in writer.generate(inputs(*(f"predict: {q}" for q in questions)))]


def test_answers_as_the_most_similar_training_question(tmp_path: Path) -> None:
    fitted = Nearest().fit(job(tmp_path / "student", rows()))
    assert (fitted.steps, fitted.trained_parameters) == (0, 0)
    writer = Nearest().load(tmp_path / "student")
    assert answers(writer, *TRAIN) == list(TRAIN.values())
    assert answers(writer, "which requests failed with a 404?", "visit from Lima", "slow request") == [
        "status = 404",
        "count city = Lima",
        "sort took desc, size 10",
    ]


def test_untrained_baseline_answers_nothing(tmp_path: Path) -> None:
    Nearest().fit(job(tmp_path, rows()))
    assert answers(Nearest().load(tmp_path, trained=False), "slow request") == [""]


def test_first_of_equal_neighbours_wins() -> None:
    writer = NearestGenerator(["same question"] * 300 + ["other one"], [str(i) for i in range(301)])
    assert answers(writer, "same question", "zzz") == ["0", "0"]


def test_text_common_to_all_sources_does_not_matter() -> None:
    mapping = " | " + " ".join(f"field_{i} keyword" for i in range(200))
    writer = NearestGenerator([q + mapping for q in TRAIN], list(TRAIN.values()))
    assert answers(writer, "ten slowest" + mapping, "came from Lima" + mapping) == [
        "sort took desc, size 10",
        "count city = Lima",
    ]


def test_answers_do_not_depend_on_order_and_chunks() -> None:
    writer = NearestGenerator(list(TRAIN), list(TRAIN.values()))
    assert answers(writer, *[q for q in TRAIN for _ in range(100)]) == [a for a in TRAIN.values() for _ in range(100)]


def test_same_rows_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Nearest().fit(job(tmp_path / name, rows()))
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


def test_refuses_an_empty_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to look answers up in"):
        Nearest().fit(job(tmp_path, []))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}'])
def test_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(DataError, match="'nearest'") as error:
        Nearest().load(tmp_path)
    assert str(tmp_path) in error.value.where


def test_newer_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(DataError, match="schema version 99"):
        Nearest().load(tmp_path)


def test_missing_scikit_learn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(MissingExtra, match="'evaluate'"):
        NearestGenerator(["a question"], ["an answer"])


def test_seven_thousand_sources_take_seconds() -> None:
    sources = [f"requests of user{i % 977} that failed with {i % 83} in region{i % 13} of {i}" for i in range(7000)]
    started = time.process_time()
    got = answers(NearestGenerator(sources, sources), *sources[:700])
    assert got == sources[:700]
    assert time.process_time() - started < 30  # 4 on an idle machine


def test_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, dstill_evaluate, dstill_report;"
        "print([m for m in ('numpy', 'scipy', 'statsmodels', 'sklearn', 'matplotlib', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reports_the_similarity_of_a_question(tmp_path: Path) -> None:
    Nearest().fit(job(tmp_path, rows()))
    writer = Nearest().load(tmp_path)
    same, like, other = writer.similarity(
        inputs(
            *(
                f"predict: {q}"
                for q in ("the ten slowest requests", "requests that failed with 502", "wer hat gewonnen")
            )
        )
    )
    assert same.value == pytest.approx(1)
    assert same.value > like.value > like.threshold > other.value >= 0
    assert Nearest().load(tmp_path, trained=False).similarity(inputs("predict: anything")) == []
