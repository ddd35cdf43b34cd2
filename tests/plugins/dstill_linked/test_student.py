"""The student `linked` end to end, with a small form and a tiny model."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.generations import assert_same
from support.sums_form import SumsForm, SumsTask, examples
from support.sums_student import CPU, RECIPE, fit, pairs, sources, student, texts

from dstill.api.records import Pair
from dstill.errors import DataError, Interrupted, UsageError
from dstill_linked.encoding import LinkedEncoder
from dstill_linked.generation import LinkedGenerator
from dstill_linked.saving import FILE, quantized, read_model, scorer_of, write_student
from dstill_linked.torch_scorer import TorchScorer
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.objectives import DistillStepByStep, RationaleFirst

pytestmark = pytest.mark.usefixtures("one_thread")

TASK = SumsTask()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that learned both objectives for a few steps."""
    folder = tmp_path_factory.mktemp("student")
    fit(folder, rows=pairs(examples(120), DistillStepByStep()), max_steps=60, per_device_train_batch_size=24)
    return folder


def test_training_lowers_the_loss_and_saves_safetensors(trained: Path) -> None:
    assert sorted(file.name for file in trained.iterdir()) == ["README.md", FILE, "model.safetensors"]
    generator = student().load(trained)
    new = examples(40, seed=7)
    right = sum(one.text == e.answer for one, e in zip(generator.generate(sources(new)), new, strict=True))
    untrained = student().load(trained, trained=False)
    before = sum(one.text == e.answer for one, e in zip(untrained.generate(sources(new)), new, strict=True))
    assert right > before + 5
    assert generator.count_tokens(sources(new))[0] == 3 + 4


def test_rationales_are_a_branch_of_their_own(trained: Path) -> None:
    generator = student().load(trained)
    new = examples(3, seed=8)
    assert json.loads((trained / FILE).read_text())["branches"] == ["predict: ", "explain: "]
    for text, example in zip(texts(generator.generate(sources(new, "explain: "))), new, strict=True):
        assert set(text.split(", ")) <= {"", *example.context["columns"]}


def test_batches_and_single_questions_give_the_same_answers(trained: Path) -> None:
    generator, new = student().load(trained), [*examples(9, seed=3), *examples(9, seed=4)]
    together = list(generator.generate(sources(new)))
    alone = [next(iter(generator.generate([one]))) for one in sources(new)]
    assert_same(alone, together)


def test_cache_gives_the_scores_of_the_whole_sequence(trained: Path) -> None:
    from dstill_linked.tensors import batch
    from dstill_linked.vocabulary import Vocabulary

    model, _ = read_model(trained, SumsForm())
    form, new = SumsForm(), examples(5, seed=5)
    vocabulary = Vocabulary.of(form)
    readings = [form.read(one) for one in new]
    made = batch([vocabulary.read(one) for one in readings])
    previous = torch.tensor(
        [[0, *vocabulary.numbers(form.encode(e.answer or "", r))[:-1]] for e, r in zip(new, readings, strict=True)]
    )
    with torch.no_grad():
        whole = model(made, previous)
        cache = model.start(model.encode(made), made.mask)
        steps = [model.decode(cache, previous[:, at : at + 1])[:, 0] for at in range(previous.shape[1])]
    torch.testing.assert_close(torch.stack(steps, 1), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("constrained", [True, False])
def test_cursor_keeps_answers_valid(constrained: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SumsForm, "constrained", constrained)
    fit(tmp_path, max_steps=1)
    generator = student().load(tmp_path)
    written = list(generator.generate(sources(examples(20, seed=2))))
    invalid = [one.text for one in written if one.truncated or one.text.startswith("not an answer: ")]
    assert (not invalid) is constrained  # nearly random weights
    if constrained:
        drawn = list(generator.sample(sources(examples(2)), 5, temperature=2.0, seed=1))
        assert [texts(one) for one in drawn] == [
            texts(one) for one in generator.sample(sources(examples(2)), 5, temperature=2.0, seed=1)
        ]
        assert len(set(texts(drawn[0]))) > 1
        assert texts(generator.generate_constrained(sources(examples(2)), [None] * 2))
    else:
        with pytest.raises(UsageError, match="no cursor"):
            list(generator.generate_constrained(sources(examples(2)), [None] * 2))


def test_tokens_that_are_no_answer_become_a_text_that_checks_refuse(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, tokens: Any, reading: Any) -> str:
        raise IndexError("no such position")

    monkeypatch.setattr(SumsForm, "decode", broken)
    (one,) = student().load(trained).generate(sources(examples(1)))
    assert one.text.startswith("not an answer: no such position; tokens: @")
    (problem,) = TASK.checks[0].run(examples(1)[0], one.text)
    assert "not an answer" in problem.message


@pytest.mark.parametrize(("stopped", "optim"), [(1, "muon"), (3, "adamw_torch")])
def test_interrupted_training_resumes_to_the_same_weights(tmp_path: Path, stopped: int, optim: str) -> None:
    """Also in the middle of an epoch, between two evaluations: items are numbered anew in each batch."""
    rows = pairs(examples(30), DistillStepByStep())
    settings = {"rows": rows, "validation": pairs(examples(8, seed=6)), "max_steps": 6, "eval_steps": 2, "optim": optim}
    fit(tmp_path / "whole", **settings)

    def stop(step: int, steps: int, values: Any) -> None:
        if step == stopped:
            raise KeyboardInterrupt

    checkpoints = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(Interrupted):
        fit(tmp_path / "half", **settings, job={**checkpoints, "on_step": stop})
    fit(tmp_path / "half", **settings, job=checkpoints)
    whole, half = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "half"))
    assert whole.keys() == half.keys()
    assert all(torch.equal(whole[name], half[name]) for name in whole)


def test_lora_trains_adapters_and_merges_them(trained: Path, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    fitted = fit(
        tmp_path / "student", Lora(), of=student(str(trained)), max_steps=4, learning_rate=1e-2, save_steps=2,
        job={"checkpoints": checkpoints},
    )  # fmt: skip
    assert fitted.trained_parameters < fitted.all_parameters / 4
    assert any((checkpoints / one.name / "adapter_model.safetensors").exists() for one in checkpoints.iterdir())
    base, now = (load_file(folder / "model.safetensors") for folder in (trained, tmp_path / "student"))
    changed = {name for name in base if not torch.equal(base[name], now[name])}
    assert changed
    assert all("q_proj" in name or "v_proj" in name for name in changed)
    new = sources(examples(6, seed=9))
    again = student(str(trained)).load(tmp_path / "student", trained=False)
    assert texts(again.generate(new)) == texts(student().load(trained).generate(new))


def test_early_stopping_keeps_the_best_step(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.1, 0.1])
    fitted = fit(
        tmp_path / "student",
        max_steps=20,
        eval_steps=2,
        early_stopping="accuracy",
        early_stopping_patience=2,
        validation=pairs(examples(8, seed=6)),
        job={
            "checkpoints": tmp_path / "checkpoints",
            "score": lambda generator: next(scores) if list(generator.generate(sources(examples(1)))) else 0.0,
        },
    )
    assert (fitted.best_step, fitted.steps) == (4, 8)


def test_records_that_the_form_cannot_express_are_counted_and_not_trained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = replace(examples(1)[0], answer="price / 2")
    fitted = fit(tmp_path, rows=pairs([*examples(20), odd]), max_steps=1)
    assert (fitted.n_not_expressible, fitted.n_too_long) == (1, 0)
    assert "1 of 21 training records have no tokens in the task's form" in caplog.text
    assert "20 (1 more have no tokens" in (tmp_path / "README.md").read_text()
    with pytest.raises(DataError, match="none of the 1 training records can be learned"):
        fit(tmp_path, rows=pairs([odd]))


def test_plan_counts_the_model_and_the_largest_batch() -> None:
    made, rows = student(), pairs(examples(20), DistillStepByStep())
    spec = made.spec()
    model = made._untrained(0)
    assert spec.parameters == sum(p.numel() for p in model.parameters())
    assert spec.linears["q_proj"] == (32, 32, 3)
    batch = made.largest_batch(rows, RECIPE)
    assert batch is not None
    assert batch.source_shape == (8, 7)
    assert batch.target_shape[0] == 16
    saved = spec.activation_bytes("full", 4)
    assert saved is not None
    assert saved.source > saved.source_pairs > 0 < saved.cross
    need = Full().memory_required(replace(spec, batch=batch), RECIPE)
    assert Lora().memory_required(replace(spec, batch=batch), RECIPE).total < need.total


def test_probe_and_bf16_run(tmp_path: Path) -> None:
    fitted = fit(tmp_path, test_largest_batch=True, precision="bf16", max_steps=1,
                 of=student(), job={"device": replace(CPU, bf16=True)})  # fmt: skip
    assert fitted.probe["measured"] >= 0


def test_auto_is_bf16_on_a_cpu_that_has_it(tmp_path: Path) -> None:
    """With the same weights again on the same machine."""
    job = {"device": replace(CPU, bf16=True)}
    for name, given in (("fp32", {}), ("one", job), ("two", job)):
        fit(tmp_path / name, max_steps=2, job=given)
    fp32, one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("fp32", "one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], fp32[name]) for name in one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("truncated", "the weights of the student are damaged"),
        ("flipped", "the weights of the student are damaged"),
        ("missing", "the weights of the student are damaged"),
        ("version", "format version 2"),
        ("tokens", "another form: its tokens and sizes differ"),
        ("features", "another form: its features and sizes differ"),
        ("meanings", "another form: its vectors of words differ"),
        ("shape", "the weights of the student are damaged"),
        ("nan", "the weights of the student are damaged"),
        ("json", "not a linked student"),
    ],
)
def test_damaged_or_foreign_students_are_refused(change: str, message: str, trained: Path, tmp_path: Path) -> None:
    weights, facts = (trained / "model.safetensors").read_bytes(), json.loads((trained / FILE).read_text())
    if change == "truncated":
        weights = weights[:-9]
    elif change == "flipped":
        weights = weights[:-9] + bytes([weights[-9] ^ 1]) + weights[-8:]
    elif change == "version":
        facts["schema_version"] += 1
    elif change == "tokens":
        facts["tokens"].append("*")
        facts["shape"]["tokens"] += 1
    elif change == "features":
        facts["features"].append("x")
        facts["shape"]["features"] += 1
    elif change == "meanings":
        facts["meanings_sha256"] = "0" * 64
    elif change == "shape":
        facts["shape"]["width"] = 64
    elif change == "nan":
        weights = weights[:-4] + struct.pack("<f", math.nan)
        facts["sha256"] = hashlib.sha256(weights).hexdigest()
    if change != "missing":
        (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / FILE).write_text("[" if change == "json" else json.dumps(facts))
    with pytest.raises(DataError, match=message) as caught:
        student().load(tmp_path)
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_quantized_weights_give_nearly_the_same_scores(trained: Path, tmp_path: Path) -> None:
    model, facts = read_model(trained, SumsForm())
    write_student(tmp_path, quantized(model.state_dict()), facts)
    assert (tmp_path / "model.safetensors").stat().st_size < 0.35 * (trained / "model.safetensors").stat().st_size
    again, _ = read_model(tmp_path, SumsForm())
    torch.testing.assert_close(again.features.weight, model.features.weight, rtol=0, atol=0.02)
    new = sources(examples(20, seed=11))
    same = sum(
        a.text == b.text
        for a, b in zip(
            LinkedGenerator(TorchScorer(model), SumsForm(), facts).generate(new),
            LinkedGenerator(scorer_of(again), SumsForm(), facts).generate(new),
            strict=True,
        )
    )
    assert same >= 18


def test_what_a_linked_student_cannot_do_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="learns answers and rationales apart"):
        fit(tmp_path, rows=pairs(examples(4), RationaleFirst()))
    with pytest.raises(UsageError, match="no gradient checkpointing"):
        fit(tmp_path, gradient_checkpointing=True)
    four_bit = Qlora()
    four_bit.load_options = lambda *_: {"quantization_config": 1}  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="no weights in 4 bits"):
        fit(tmp_path, four_bit)
    with pytest.raises(UsageError, match="does not say which example"):
        LinkedEncoder(SumsForm(), max_length=9, longest=9).encode([(Pair(task_prefix="", source="", target=""),)])


def test_task_without_a_form_is_a_usage_error(cli: Any, enable: Any) -> None:
    """It is refused before anything is trained."""
    enable("linked")
    ended = cli("generate", "--out", "run", "--task", "toy", "--set", "generate.teacher=parrot")
    assert ended.code == 0, ended.err
    ended = cli("train", "run", "--student", "linked", "--set", "train.objective=plain")
    assert ended.code == 2
    assert "student 'linked' needs a form of answers, and task 'toy' has none" in ended.err


@pytest.mark.parametrize("name", [FILE, "model.safetensors"])
@pytest.mark.parametrize("kind", ["fifo", "link to a file", "link to a device"])
def test_only_regular_files_are_read(trained: Path, tmp_path: Path, name: str, kind: str) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(trained, folder)
    (folder / name).unlink()
    if kind == "fifo":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(trained / name if kind == "link to a file" else "/dev/zero")
    theirs = student()
    theirs.base = str(folder)
    with pytest.raises(DataError, match="is a link, fifo, socket or device") as caught:
        theirs.load_base()
    assert str(folder / name) in caught.value.where


@pytest.mark.parametrize("name", [FILE, "model.safetensors"])
def test_no_more_is_read_than_a_student_has(trained: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(trained, folder)
    with (folder / name).open("ab") as file:
        file.truncate(2**33)  # 8 GiB, none of it on disk
    with pytest.raises(DataError, match="a file of the student has more than"):
        student().load(folder)
