"""The student `base`: it starts from weights that the task's form names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.sums_form import SumsForm, examples
from support.sums_student import fit, pairs, sources, student, texts

from dstill.api.form import Token
from dstill.errors import DataError, DstillError, Interrupted, RunError, UsageError
from dstill.linked import Reading
from dstill_linked.encoding import LinkedData, LinkedEncoder, LinkedLosses
from dstill_linked.saving import FILE, quantized, read_facts, read_model, write_student
from dstill_linked.student import BaseConfig, BaseStudent, LinkedConfig
from dstill_torch.loss import TokenLosses


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base that knows a little, in 8 bits."""
    folder = tmp_path_factory.mktemp("made")
    fit(folder / "student", max_steps=20)
    model, facts = read_model(folder / "student", SumsForm())
    write_student(folder / "base", quantized(model.state_dict()), replace(facts, unsure_below=-1.5))
    return folder / "base"


@pytest.fixture
def bases(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the base `sums`, a copy for this test."""
    shutil.copytree(made, tmp_path / "base")
    monkeypatch.setattr(SumsForm, "bases", {"sums": tmp_path / "base"})
    return tmp_path / "base"


def from_base(name: str = "sums", **config: float) -> BaseStudent:
    found = BaseStudent(BaseConfig(**config))  # type: ignore[arg-type]
    found.form, found.base = SumsForm(), name
    return found


def test_training_starts_from_the_base_and_says_which(bases: Path, tmp_path: Path) -> None:
    fitted = fit(tmp_path / "student", of=from_base(), max_steps=2)
    digest = read_facts(bases).sha256
    assert fitted.base_sha256 == digest
    facts = read_facts(tmp_path / "student")
    assert (facts.base, facts.base_sha256, facts.unsure_below) == ("base:sums", digest, -1.5)
    assert from_base().load(tmp_path / "student").unsure_below == -1.5
    card = (tmp_path / "student" / "README.md").read_text()
    assert f"from base:sums (sha256 {digest})" in card
    assert str(tmp_path) not in card + (tmp_path / "student" / FILE).read_text()
    new = sources(examples(8, seed=5))
    before = from_base().load(tmp_path / "student", trained=False)
    of_base = texts(student().load(bases).generate(new))
    assert texts(before.generate(new)) == texts(from_base().load_base().generate(new)) == of_base
    assert from_base().base_limits() == ""


def test_zero_epochs_leave_the_base_as_it_is(bases: Path, tmp_path: Path) -> None:
    fitted = fit(tmp_path / "student", of=from_base(), max_steps=-1, num_train_epochs=0, test_largest_batch=True)
    assert (fitted.steps, fitted.history) == (0, ())
    base, now = read_model(bases, SumsForm())[0].state_dict(), load_file(tmp_path / "student" / "model.safetensors")
    assert all(torch.equal(base[name], now[name]) for name in base)


def test_finished_student_needs_no_base(bases: Path, tmp_path: Path) -> None:
    fit(tmp_path / "student", of=from_base(), max_steps=1)
    shutil.rmtree(bases)
    assert from_base().external_models(tmp_path / "student") == ()
    assert texts(from_base().load(tmp_path / "student").generate(sources(examples(1))))
    with pytest.raises(DataError, match="base 'sums' is not in this installation"):
        from_base().load(tmp_path / "student", trained=False)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("", UsageError, "which base"),
        ("sum", UsageError, "no base 'sum'. Did you mean 'sums'"),
        ("/etc", UsageError, "no base '/etc'"),
        ("missing", DataError, "not in this installation"),
        ("damaged", DataError, "weights of the student are damaged"),
        ("version", DataError, "format version 3"),
        ("form", DataError, "another form"),
    ],
)
def test_wrong_bases_are_refused(
    name: str, error: type[DstillError], message: str, bases: Path, tmp_path: Path
) -> None:
    facts = json.loads((bases / FILE).read_text())
    if name == "missing":
        (bases / FILE).unlink()
    elif name == "damaged":
        (bases / "model.safetensors").write_bytes((bases / "model.safetensors").read_bytes()[:-9])
    elif name == "version":
        (bases / FILE).write_text(json.dumps({**facts, "schema_version": 3}))
    elif name == "form":
        (bases / FILE).write_text(json.dumps({**facts, "tokens": ["*", "/"]}))
    known = name in ("missing", "damaged", "version", "form")
    with pytest.raises(error, match=message) as caught:
        fit(tmp_path / "student", of=from_base("sums" if known else name), max_steps=1)
    assert caught.value.hint


def test_form_without_bases(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no base 'sums'") as caught:
        fit(tmp_path, of=from_base(), max_steps=1)
    assert caught.value.hint == "it has none: train with --student linked"


def test_another_base_is_noticed(bases: Path, tmp_path: Path) -> None:
    """By the baseline `untrained`, and by a training that resumes."""
    checkpoints = {"checkpoints": tmp_path / "checkpoints"}
    fit(tmp_path / "student", of=from_base(), max_steps=2, save_steps=1, job=checkpoints)
    fit(tmp_path / "other", max_steps=1)
    shutil.rmtree(bases)
    shutil.copytree(tmp_path / "other", bases)
    with pytest.raises(DataError, match="other weights than when"):
        from_base().load(tmp_path / "student", trained=False)
    with pytest.raises(RunError, match="base "):
        fit(tmp_path / "student", of=from_base(), max_steps=2, save_steps=1, job=checkpoints)


# --- replay -----------------------------------------------------------------------------


def drawn(self: SumsForm, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """Endless questions, every third of them too long for the student."""
    for number in count():
        for example in examples(3, seed=1_000 * (seed + 1) + number):
            reading = self.read(example)
            yield reading, self.encode(example.answer or "", reading)
        yield reading, ["+"] * 99


def encoded(form: SumsForm, seed: int = 0, epochs: int = 2, limit: int = 4_000) -> LinkedData:
    encoder = LinkedEncoder(form, max_length=64, longest=16)
    return encoder.replay(encoder.encode(pairs(examples(30))), 0.25, epochs=epochs, seed=seed, limit=limit)


def test_replay_is_a_share_of_the_records_and_the_same_for_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SumsForm, "replay", drawn)
    data = encoded(SumsForm())
    assert (len(data), data.n_replayed, data.branches) == (80, 20, ["predict: "])
    targets = [row.target for record in data.records for row in record]
    assert targets == [row.target for record in encoded(SumsForm()).records for row in record]
    assert targets != [row.target for record in encoded(SumsForm(), seed=1).records for row in record]
    few = encoded(SumsForm(), limit=5)
    assert (len(few), few.n_replayed, len({id(record) for record in few.records[60:]})) == (80, 5, 5)


def test_form_without_questions_to_replay(caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(SumsForm())
    assert (len(data), data.n_replayed) == (30, 0)
    assert "no questions to replay" in caplog.text


def test_training_replays_and_resumes_with_the_same_questions(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SumsForm, "replay", drawn)
    assert BaseConfig().replay > 0 == LinkedConfig().replay
    seen: list[int] = []
    monkeypatch.setattr(LinkedLosses, "total", lambda self, *given: seen.append(1) or TokenLosses.total(self, *given))
    whole = fit(tmp_path / "whole", of=from_base(), max_steps=6)
    assert len(seen) == 6
    assert whole.n_replayed == 40 // 3  # the steps take one epoch and a bit of the 40 records
    assert "13 questions about other data" in (tmp_path / "whole" / "README.md").read_text()
    assert fit(tmp_path / "none", of=from_base(replay=0.0), max_steps=1).n_replayed == 0
    epochs = fit(tmp_path / "epochs", of=from_base(), max_steps=-1, num_train_epochs=2.0)
    assert (epochs.steps, epochs.n_replayed) == (14, 27)  # 107 records in batches of 8

    def stop(step: int, steps: int, values: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    checkpoints = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(Interrupted):
        fit(tmp_path / "half", of=from_base(), max_steps=6, job={**checkpoints, "on_step": stop})
    monkeypatch.setattr(SumsForm, "replay", lambda self, seed: drawn(self, seed + 1))
    with pytest.raises(RunError, match="replay"):
        fit(tmp_path / "half", of=from_base(), max_steps=6, job=checkpoints)
    monkeypatch.setattr(SumsForm, "replay", drawn)
    fit(tmp_path / "half", of=from_base(), max_steps=6, job=checkpoints)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert all(torch.equal(one[name], other[name]) for name in one)
