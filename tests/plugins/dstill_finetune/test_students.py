"""Students end to end: the folder after training, also loaded by plain transformers and peft."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.finetuned import CPU, card_answer, fit, hf_student, records
from support.generations import assert_same
from support.inputs import inputs
from support.sizes import first_quick

from dstill.api.modality import Modality
from dstill.api.records import Pair
from dstill.errors import DataError, TrainingError
from dstill.runtime import hardware
from dstill_finetune import generation
from dstill_finetune.hf import Hf
from dstill_finetune.tiny import Tiny, TinyConfig
from dstill_torch.modalities import Full, Lora, Qlora

SMALL = TinyConfig(d_model=64, d_ff=128, num_heads=4, num_layers=1, num_decoder_layers=1, vocabulary=400)
PROMPTS = ["predict: all red cars", "predict: all brown hats", "explain: all pink cups", "predict: all"]


def texts(student: Any, folder: Path, *, trained: bool = True) -> list[str]:
    return [written.text for written in student.load(folder, trained=trained).generate(inputs(*PROMPTS))]


@pytest.mark.parametrize("kind", [Full, Lora, Qlora])
@pytest.mark.parametrize("base", first_quick(["t5", "llama"]))
def test_transformers_and_peft_give_the_same_answers(
    kind: type[Modality], base: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    student = hf_student(request.getfixturevalue(base))
    fit(student, kind(), tmp_path, max_steps=25, learning_rate=2e-2 if kind is not Full else 3e-3)
    answers = texts(student, tmp_path)
    assert answers[0] != texts(student, tmp_path, trained=False)[0]
    end = "\n" if base == "llama" else ""
    assert [card_answer(tmp_path, prompt + end) for prompt in PROMPTS[:2]] == answers[:2]


REPEATING = {"max_steps": 40, "learning_rate": 5e-3}


def with_repeated_answers() -> list[tuple[Pair]]:
    """Rows whose answers repeat themselves."""
    return [(replace(label, target=label.target * 2),) for label, _ in records()]


@pytest.fixture(scope="module")
def answers_with_repetition(
    llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[type[Modality]], list[str]]:
    """Answers of students that learnt to repeat, by modality, from a base without generation settings."""

    @cache
    def answers(kind: type[Modality]) -> list[str]:
        folder = tmp_path_factory.mktemp("repeating")
        fit(hf_student(llama), kind(), folder, with_repeated_answers(), **REPEATING)
        found = texts(hf_student(llama), folder)
        assert card_answer(folder, PROMPTS[0] + "\n") == found[0]
        return found

    return answers


@pytest.mark.parametrize("kind", first_quick([Full, Lora]))
@pytest.mark.parametrize("kept", [{"repetition_penalty": 1.8}, {"no_repeat_ngram_size": 2, "forced_bos_token_id": 7}])
def test_generation_settings_of_the_base_are_ignored(
    kind: type[Modality],
    kept: dict[str, Any],
    llama: Path,
    answers_with_repetition: Any,
    tmp_path: Path,
) -> None:
    """Instruct models penalize repetition and BART forbids it, but queries do repeat words."""
    from transformers import GenerationConfig

    fussy = shutil.copytree(llama, tmp_path / "fussy")
    GenerationConfig(pad_token_id=0, eos_token_id=1, **kept).save_pretrained(fussy)
    folder = tmp_path / "student"
    fit(hf_student(fussy), kind(), folder, with_repeated_answers(), **REPEATING)
    answers = texts(hf_student(fussy), folder)
    assert card_answer(folder, PROMPTS[0] + "\n") == answers[0]
    assert answers == answers_with_repetition(kind)


def test_bf16_student_answers_without_bf16_support(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(
        hf_student(llama),
        Lora(),
        tmp_path,
        max_steps=4,
        precision="bf16",
        test_largest_batch=False,
        device=replace(CPU, bf16=True),
    )
    monkeypatch.setattr(hardware, "_cpu_bf16", lambda: False)
    writer: Any = Hf().load(tmp_path)
    base = writer.model.get_base_model().get_input_embeddings().weight
    assert base.dtype is torch.float32
    assert torch.equal(base, base.bfloat16().float())  # the base weights during training
    assert len(list(writer.generate(inputs(*PROMPTS)))) == len(PROMPTS)
    model, *_ = Hf().merged(tmp_path)
    assert model.get_input_embeddings().weight.dtype is torch.bfloat16


# --- positions --------------------------------------------------------------------------


@pytest.fixture
def short_gpt2(llama: Path, tmp_path: Path) -> Path:
    """A GPT-2, which has 32 positions, with the tokenizer of `llama`."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    tokenizer = AutoTokenizer.from_pretrained(llama)
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=32,
        n_layer=1,
        n_head=2,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def test_rows_beyond_the_positions_of_the_student_are_refused(short_gpt2: Path, tmp_path: Path) -> None:
    """They are within the limits of the recipe but are dropped; too many of them are an error."""
    fitting = [(Pair(task_prefix="predict: ", source="red", target="blue"),)] * 39
    long = [(Pair(task_prefix="predict: ", source="all red cars " * 9, target="blue"),)]
    fitted = fit(hf_student(short_gpt2), Full(), tmp_path / "a", [*fitting, *long], max_steps=1, max_length=64)
    assert fitted.n_too_long == 1
    with pytest.raises(DataError, match="4 over the 32 positions that the student has") as caught:
        fit(hf_student(short_gpt2), Full(), tmp_path / "b", [*fitting, *long * 4], max_steps=1, max_length=64)
    assert "more positions" in caught.value.hint


def test_answer_ends_at_the_position_limit_without_affecting_others(short_gpt2: Path, tmp_path: Path) -> None:
    rows = [(Pair(task_prefix="predict: ", source="red", target="blue"),)] * 8
    fit(hf_student(short_gpt2), Full(), tmp_path / "a", rows, max_steps=1, max_length=64)
    writer: Any = hf_student(short_gpt2).load(tmp_path / "a")
    prompts = ["predict: red", *("predict: " + "all red cars " * count for count in (3, 4, 5, 20))]
    room = [32 - min(len(source), 31) for source, _ in writer.encoder.prompts(prompts)]
    assert room[0] > room[1] > room[-1] == 1
    written = list(writer.generate(inputs(*prompts)))
    assert [one.tokens for one in written] == [min(48, left) for left in room]  # it never learnt to stop
    assert all(one.truncated for one in written)
    alone = [next(iter(writer.generate(inputs(prompt)))) for prompt in prompts]
    assert [one.text for one in written] == [one.text for one in alone]


@pytest.mark.slow
def test_tiny_learns_its_training_rows(tmp_path: Path) -> None:
    fitted = fit(Tiny(SMALL), Full(), tmp_path, max_steps=150, learning_rate=5e-3, validation=records(8))
    student = Tiny()
    rows = records()
    writer = student.load(tmp_path)
    written = list(writer.generate(inputs(*(label.task_prefix + label.source for label, _ in rows))))
    right = sum(got.text == label.target for got, (label, _) in zip(written, rows, strict=True))
    assert right >= 40
    assert all(got.tokens and not got.truncated and got.seconds > 0 for got in written)
    assert card_answer(tmp_path, PROMPTS[0]) == texts(student, tmp_path)[0]
    assert [row["step"] for row in fitted.history if "eval_loss" in row][-1] == 150
    untrained = [
        got.text for got in student.load(tmp_path, trained=False).generate(inputs(*(label.source for label, _ in rows)))
    ]
    assert not any(got == label.target for got, (label, _) in zip(untrained, rows, strict=True))


@pytest.mark.parametrize("kind", first_quick([Full, Lora, Qlora]))
def test_untrained_student_equals_the_start_of_training(kind: type[Modality], tmp_path: Path) -> None:
    """A tiny learning rate leaves the weights unchanged."""
    fit(Tiny(SMALL), kind(), tmp_path, max_steps=1, learning_rate=1e-9)
    assert texts(Tiny(), tmp_path) == texts(Tiny(), tmp_path, trained=False)


def test_count_tokens_is_bounded_by_the_maximum_length(tmp_path: Path) -> None:
    fit(Tiny(SMALL), Full(), tmp_path, max_steps=1)
    writer: Any = Tiny().load(tmp_path)
    short_gpt2, long = writer.count_tokens(inputs("predict: all red cars", "predict: all red cars " * 40))
    assert short_gpt2 == len(writer.encoder.prompts(["predict: all red cars"])[0][0]) > 3
    assert long == writer.encoder.max_length


@pytest.mark.parametrize("base", first_quick(["llama", "t5"]))
def test_answers_do_not_depend_on_batching(
    base: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = hf_student(request.getfixturevalue(base))
    fit(student, Full(), tmp_path, max_steps=60, learning_rate=1e-2)
    writer: Any = student.load(tmp_path)
    at_once = list(writer.generate(inputs(*PROMPTS)))
    writer.batch = 1  # a decoder is padded on the left: its answer must not depend on the others of its batch
    assert [one.text for one in writer.generate(inputs(*PROMPTS))] == [one.text for one in at_once]
    writer.batch = len(PROMPTS)
    assert len({written.tokens for written in at_once}) > 1
    for portion in (1, 3, 7, 48):
        monkeypatch.setattr(generation, "PORTION", portion)
        assert_same(list(writer.generate(inputs(*PROMPTS))), at_once)
        drawn = writer.sample(inputs(*PROMPTS), 3, temperature=1.0, seed=1)
        assert [len(given) for given in drawn] == [3] * len(PROMPTS)


def test_sampled_answers_depend_only_on_the_seed(t5: Path, tmp_path: Path) -> None:
    fit(hf_student(t5), Full(), tmp_path, max_steps=25)
    writer = hf_student(t5).load(tmp_path)

    def sample_texts(seed: int, temperature: float = 1.0) -> list[list[str]]:
        return [
            [w.text for w in given] for given in writer.sample(inputs(*PROMPTS), 4, temperature=temperature, seed=seed)
        ]

    greedy = [written.text for written in writer.generate(inputs(*PROMPTS))]
    before = torch.random.get_rng_state()
    first = sample_texts(1)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global random state is unchanged
    torch.rand(3)
    assert sample_texts(1) == first
    assert sample_texts(2) != first
    assert len({text for given in first for text in given}) > len(PROMPTS)
    assert sample_texts(1, temperature=1e-4) == [[text] * 4 for text in greedy]


def test_endless_answer_is_marked_as_truncated(t5: Path, tmp_path: Path) -> None:
    fit(hf_student(t5), Full(), tmp_path, max_steps=1, learning_rate=1e-9)
    written = list(hf_student(t5).load(tmp_path).generate(inputs(*PROMPTS)))
    assert any(w.truncated and w.tokens == 48 for w in written)


@pytest.mark.parametrize("kind", first_quick([Full, Qlora]))
def test_same_seed_gives_the_same_weights(kind: type[Modality], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fit(Tiny(SMALL), kind(), tmp_path / name, seed=seed, lora_dropout=0.1)
    file = "model.safetensors" if kind is Full else "adapter_model.safetensors"
    one, same, other = (load_file(tmp_path / name / file) for name in "abc")
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_tiny_student_can_be_a_base(tmp_path: Path) -> None:
    fit(Tiny(SMALL), Full(), tmp_path / "first", max_steps=3)
    second = Tiny()
    second.base = str(tmp_path / "first")
    fit(second, Lora(), tmp_path / "second", max_steps=2, learning_rate=1e-9)
    assert texts(second, tmp_path / "second") == texts(Tiny(), tmp_path / "first")


# --- the round trip ---------------------------------------------------------------------


@pytest.fixture
def t5_without_braces(t5: Path, unigram: Callable[[], Any], tmp_path: Path) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration

    folder = tmp_path / "base"
    tokenizer = unigram()
    tokenizer.save_pretrained(folder)
    config = T5Config.from_pretrained(t5)
    config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_missing_characters_are_added_and_learnt(t5_without_braces: Path, tmp_path: Path) -> None:
    """Two memorized questions whose answers contain characters without a token in the base."""
    student, folder = hf_student(t5_without_braces), tmp_path / "student"
    rows = records(2)
    fit(student, Full(), folder, rows, max_steps=200, learning_rate=5e-3, per_device_train_batch_size=2)
    written = student.load(folder).generate(inputs(*(label.task_prefix + label.source for label, _ in rows)))
    assert [w.text for w in written] == [label.target for label, _ in rows]
    assert card_answer(folder, rows[0][0].task_prefix + rows[0][0].source) == rows[0][0].target


# --- limits and failures ----------------------------------------------------------------


def test_max_seconds_ends_training_early(tmp_path: Path) -> None:
    fitted = fit(Tiny(SMALL), Full(), tmp_path, max_steps=100_000, max_seconds=1.5)
    assert fitted.steps < 100_000
    assert fitted.seconds < 60  # and not the many minutes of all steps
    assert (tmp_path / "model.safetensors").exists()


def test_nan_loss_stops_training(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"(loss|norm) is nan at step") as caught:
        fit(Tiny(SMALL), Full(), tmp_path, learning_rate=1e30, max_steps=20)
    assert "tenth of the learning rate" in caught.value.hint
    assert caught.value.exit_code == 10


def test_rows_without_weight_are_refused(tmp_path: Path) -> None:
    """For example, dss with label weight 0 and no rationales."""
    rows = [(replace(label, weight=0.0),) for label, _ in records(8)]
    with pytest.raises(DataError, match="nothing would be learned"):
        fit(Tiny(SMALL), Full(), tmp_path, rows)


def test_folder_without_a_student_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a student that dstill wrote"):
        Tiny().load(tmp_path)
