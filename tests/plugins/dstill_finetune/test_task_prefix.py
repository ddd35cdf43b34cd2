"""A student stores the form of its training: task word before the question or before the answer."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import CPU, card_answer, fit, hf_student, losses, records
from support.inputs import inputs

from dstill.api.records import Pair
from dstill.errors import DataError
from dstill_finetune.encoding import Encoder
from dstill_finetune.hf import Hf
from dstill_finetune.tokenizer import learn
from dstill_torch.modalities import Full, Lora

pytestmark = pytest.mark.slow

LEARN = {"max_steps": 90, "learning_rate": 5e-3}


def generated_texts(folder: Path, prompts: list[str], *, batch: int = 64) -> list[str]:
    writer: Any = Hf().load(folder)
    writer.batch = batch
    return [answer.text for answer in writer.generate(inputs(*prompts))]


@pytest.mark.parametrize("form", ["encoder", "decoder"])
@pytest.mark.parametrize("base", ["t5", "llama"])
def test_student_answers_and_explains_in_the_learnt_form(
    base: str, form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fit(hf_student(request.getfixturevalue(base)), Full(), tmp_path, records(16), task_prefix=form, **LEARN)
    pairs = [pair for record in records(16) for pair in record]
    prompts = [pair.task_prefix + pair.source for pair in pairs]
    answers = generated_texts(tmp_path, prompts)
    right = [answer == pair.target for answer, pair in zip(answers, pairs, strict=True)]
    assert sum(right[::2]) >= 14, answers  # what follows "predict: "
    assert sum(right[1::2]) >= 14, answers  # what follows "explain: "
    assert generated_texts(tmp_path, prompts, batch=1) == answers
    assert card_answer(tmp_path) == answers[0]
    facts = json.loads((tmp_path / "student.json").read_text())
    assert facts["task_prefix"] == form
    assert sorted(facts["tasks"]) == (["explain: ", "predict: "] if form == "decoder" else [])


@pytest.mark.parametrize("base", ["t5", "llama"])
def test_adapter_keeps_its_prefix_form(base: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    fit(
        hf_student(request.getfixturevalue(base)),
        Lora(),
        tmp_path,
        task_prefix="decoder",
        max_steps=25,
        learning_rate=2e-2,
    )
    (answer,) = generated_texts(tmp_path, ["predict: all red cars"])
    assert card_answer(tmp_path) == answer


@pytest.mark.parametrize("base", ["t5", "llama"])
def test_cpu_trains_in_bf16_if_configured(base: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Both forms of sharing: mask and encoder output work with autocast."""
    found = {}
    for precision in ("fp32", "bf16"):
        fitted = fit(
            hf_student(request.getfixturevalue(base)),
            Full(),
            tmp_path / precision,
            device=replace(CPU, bf16=True),
            precision=precision,
            task_prefix="decoder",
            max_steps=25,
        )
        found[precision] = losses(fitted)
    assert found["bf16"][-1] < found["bf16"][0]
    assert found["bf16"] == pytest.approx(found["fp32"], rel=0.1)
    assert found["bf16"] != found["fp32"]


def test_student_of_an_older_version_uses_the_encoder_prefix(t5: Path, tmp_path: Path) -> None:
    fit(hf_student(t5), Full(), tmp_path)
    answers = generated_texts(tmp_path, ["predict: all red cars"])
    file = tmp_path / "student.json"
    facts = json.loads(file.read_text())
    del facts["task_prefix"], facts["tasks"]
    file.write_text(json.dumps(facts))
    assert generated_texts(tmp_path, ["predict: all red cars"]) == answers


def test_unshareable_prompt_gives_one_sequence_per_branch(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shared = fit(hf_student(llama), Full(), tmp_path / "shared", task_prefix="decoder")
    monkeypatch.setattr("dstill_finetune.setup.sharing", lambda model: None)
    with caplog.at_level(logging.WARNING, "dstill"):
        apart = fit(hf_student(llama), Full(), tmp_path / "apart", task_prefix="decoder")
    assert "each branch is its own sequence" in caplog.text
    assert losses(shared) == pytest.approx(losses(apart), rel=1e-4)


def test_task_word_must_be_unique() -> None:
    encoder = Encoder(
        learn(["abc"], 300), encoder_decoder=True, max_length=9, max_target_length=9, task_prefix="decoder"
    )
    with pytest.raises(DataError, match="does not distinguish the task word ''"):
        encoder.encode([(Pair(task_prefix="", source="a", target="b"),)])
    same = (Pair(task_prefix="a", source="a", target="b"), Pair(task_prefix="a ", source="a", target="c"))
    with pytest.raises(DataError) as caught:
        encoder.encode([same])
    assert caught.value.hint == 'set task_prefix = "encoder", which puts the word before the question'
