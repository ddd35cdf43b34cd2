"""Chat bases: trained, asked and saved through their own template; plain students carry a template of their prompt."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chat import NO_SYSTEM, SILENT, TEMPLATE, with_turns, write_chat_llama
from support.finetuned import answers, card_answer, fit, hf_student, records
from support.gguf_files import write_llama

from dstill.api.records import Pair
from dstill.errors import ConfigError, DataError
from dstill_finetune import model_loading
from dstill_finetune.chat import Chat, adopt, system_messages
from dstill_finetune.encoding import Encoder
from dstill_finetune.hf import Hf
from dstill_finetune.tokenizer import learn
from dstill_torch.modalities import Full, Lora

pytestmark = pytest.mark.slow

WORDS = {"predict: ": "", "explain: ": "explain"}
LEARN = {"max_steps": 100, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat decoder of random weights whose tokenizer adds an end token to every text, but no start token."""
    folder = tmp_path_factory.mktemp("chat")
    pairs = [pair for record in records() for pair in record]
    write_chat_llama(folder, with_turns(learn([text for p in pairs for text in (p.source, p.target)], 320)))
    return folder


def rendered(folder: Path, *messages: tuple[str, str]) -> list[int]:
    """The ids that another program makes of messages, with the files of a student."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": role, "content": text} for role, text in messages]
    ids: list[int] = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    return ids


# --- rendering --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return with_turns(learn(["all red cars", "none at all"], 300))


def test_only_other_branches_have_a_system_message(tokenizer: Any) -> None:
    assert system_messages(["predict: ", "explain: ", "predict: "]) == WORDS
    chat = Chat(tokenizer, WORDS)
    assert chat.render("predict: ", "all red cars") == "<s><|user|>all red cars<|end|>\n<|assistant|>"
    assert chat.render("explain: ", "x") == "<s><|system|>explain<|end|>\n<|user|>x<|end|>\n<|assistant|>"
    assert chat.ending == "<|end|>\n<|assistant|>"


@pytest.mark.parametrize("template", [NO_SYSTEM, SILENT])
def test_system_message_goes_to_the_user_if_the_template_has_none(template: str, tokenizer: Any) -> None:
    tokenizer.chat_template = template
    assert Chat(tokenizer, WORDS).render("explain: ", "x") == "<s><|user|>explain\n\nx<|end|>\n<|assistant|>"
    tokenizer.chat_template = TEMPLATE


@given(source=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_prompt_is_what_apply_chat_template_gives(source: str, tokenizer: Any) -> None:
    encoder = Encoder(
        tokenizer, encoder_decoder=False, max_length=999, max_target_length=9, chat=Chat(tokenizer, WORDS)
    )
    for word in WORDS:
        ((ids, task),) = encoder.prompts([word + source])
        turns = Chat(tokenizer, WORDS).messages(word, source)
        expected = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
        assert (ids, task) == (expected, [])
        assert ids.count(tokenizer.bos_token_id) == 1 + source.count("<s>")
        (row,) = encoder.encode([(Pair(task_prefix=word, source=source, target="none"),)]).records[0]
        assert (row.source, row.task) == (ids, [])


def test_long_prompt_keeps_the_turn_that_begins_the_answer(tokenizer: Any) -> None:
    chat = Chat(tokenizer, WORDS)
    encoder = Encoder(tokenizer, encoder_decoder=False, max_length=20, max_target_length=9, chat=chat)
    ((ids, _),) = encoder.prompts(["predict: " + "cars " * 50])
    short = encoder.shortened(ids, 20)
    assert len(short) == 20
    assert tokenizer.decode(short).startswith("<s><|user|>cars")
    assert tokenizer.decode(short).endswith(chat.ending)
    assert encoder.shortened(short, 20) == short


# --- adopting a base --------------------------------------------------------------------


def fresh(template: Any) -> Any:
    return with_turns(learn(["all red cars"], 280), template)


def test_answers_end_with_the_end_of_a_turn() -> None:
    found = fresh(TEMPLATE)
    assert found.eos_token == "</s>"
    adopt(found, "base")
    assert found.eos_token == "<|end|>"
    unmarked = fresh("{% for m in messages %}{{ m['content'] }}\n{% endfor %}")
    adopt(unmarked, "base")
    assert unmarked.eos_token == "</s>"
    both = fresh(TEMPLATE.replace("<|user|>", "").replace("{{ bos_token }}", "{{ eos_token }}"))
    adopt(both, "base")
    assert both.eos_token == "</s>"  # another one would change every prompt


def test_of_several_templates_the_default_is_kept() -> None:
    found = fresh({"default": TEMPLATE, "tool_use": "{{ tools }}"})
    adopt(found, "base")
    assert found.chat_template == TEMPLATE


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        ({"tool_use": TEMPLATE}, "has no chat template"),
        ("{{ messages", "cannot render a message"),
        ("{{ raise_exception('never') }}", "cannot render a message"),
        ("hello", "leaves out the user's message"),
    ],
)
def test_unusable_template_is_refused(template: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        adopt(fresh(template), "models/mine")
    assert "models/mine" in caught.value.where
    assert "train.prompt" in caught.value.hint


# --- training and use -------------------------------------------------------------------


def test_chat_student_learns_and_carries_its_template(base: Path, tmp_path: Path) -> None:
    fit(hf_student(base), Full(), tmp_path, records(16), **LEARN)
    pairs = [pair for record in records(16) for pair in record]
    prompts = [pair.task_prefix + pair.source for pair in pairs]
    found = answers(tmp_path, *prompts)
    right = [answer == pair.target for answer, pair in zip(found, pairs, strict=True)]
    assert sum(right[::2]) >= 14, found
    assert sum(right[1::2]) >= 14, found
    assert card_answer(tmp_path) == found[0]
    assert (tmp_path / "chat_template.jinja").read_text() == TEMPLATE
    facts = json.loads((tmp_path / "student.json").read_text())
    assert (facts["prompt"], facts["system_messages"]) == ("chat", WORDS)
    writer: Any = Hf().load(tmp_path)
    (label, _), (rationale, _) = writer.encoder.prompts(prompts[:2])
    assert label == rendered(tmp_path, ("user", pairs[0].source))
    assert rationale == rendered(tmp_path, ("system", "explain"), ("user", pairs[1].source))
    assert label.count(writer.encoder.tokenizer.bos_token_id) == 1
    ends = json.loads((tmp_path / "generation_config.json").read_text())["eos_token_id"]
    assert writer.encoder.tokenizer.decode(ends) == "<|end|>"


def test_loss_is_on_the_assistants_tokens_alone(base: Path) -> None:
    from dstill_finetune.collate import Collator
    from dstill_torch.batches import IGNORED_LABEL

    tokenizer = model_loading.load_tokenizer(str(base))
    adopt(tokenizer, "base")
    encoder = Encoder(
        tokenizer, encoder_decoder=False, max_length=99, max_target_length=99, chat=Chat(tokenizer, WORDS)
    )
    data = encoder.encode(records(1))
    batch = Collator(encoder_decoder=False, pad=0, branches=data.branches)(data.records)
    labels = [[token for token in row if token != IGNORED_LABEL] for row in batch["labels"].tolist()]
    assert [tokenizer.decode(row) for row in labels] == [f"{pair.target}<|end|>" for pair in records(1)[0]]


def test_adapter_of_a_chat_base_answers_by_the_card(base: Path, tmp_path: Path) -> None:
    fit(hf_student(base), Lora(), tmp_path, max_steps=20, learning_rate=2e-2, target_modules="all-linear")
    prompt = "predict: " + (re.findall(r"'content': '(.*?)'", (tmp_path / "README.md").read_text())[0])
    assert card_answer(tmp_path) == answers(tmp_path, prompt)[0]


@pytest.mark.parametrize("task_prefix", ["encoder", "decoder"])
def test_plain_student_of_a_chat_base_carries_a_template_of_its_prompt(
    task_prefix: str, base: Path, tmp_path: Path
) -> None:
    prompt = {"prompt": "plain"} if task_prefix == "encoder" else {}  # the other form has no conversation
    fit(hf_student(base), Full(), tmp_path, max_steps=1, task_prefix=task_prefix, **prompt)
    ((label, rationale), *_) = records(1)
    writer: Any = Hf().load(tmp_path)
    assert writer.encoder.chat is None
    asked = [
        source + task for source, task in writer.encoder.prompts([p.task_prefix + p.source for p in (label, rationale)])
    ]
    assert asked[0] == rendered(tmp_path, ("user", label.source))
    assert asked[1] == rendered(tmp_path, ("system", "explain"), ("user", rationale.source))
    text = writer.encoder.tokenizer.decode(asked[0])
    expected = f"predict: {label.source}\n" if task_prefix == "encoder" else f"{label.source}\npredict:\n"
    assert text == expected


def test_start_token_of_a_plain_prompt_is_written_once(tmp_path: Path) -> None:
    write_llama(tmp_path / "small.gguf", template=TEMPLATE)
    folder = tmp_path / "student"
    fit(hf_student(tmp_path / "small.gguf"), Full(), folder, max_steps=1, prompt="plain")
    writer: Any = Hf().load(folder)
    ((asked, _),) = writer.encoder.prompts(["predict: all red cars"])
    assert asked == rendered(folder, ("user", "all red cars"))
    assert asked.count(writer.encoder.tokenizer.bos_token_id) == 1


def test_student_of_an_earlier_dstill_keeps_its_plain_prompts(base: Path, tmp_path: Path) -> None:
    fit(hf_student(base), Full(), tmp_path, max_steps=1, prompt="plain")
    facts = json.loads((tmp_path / "student.json").read_text())
    del facts["prompt"], facts["system_messages"]
    (tmp_path / "student.json").write_text(json.dumps(facts))
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE)  # as it was saved with the base's
    writer: Any = Hf().load(tmp_path)
    ((asked, _),) = writer.encoder.prompts(["predict: all red cars"])
    assert writer.encoder.tokenizer.decode(asked) == "predict: all red cars\n"
    _, tokenizer, _ = Hf().merged(tmp_path)
    assert tokenizer.chat_template is None


def test_student_without_its_template_is_refused(base: Path, tmp_path: Path) -> None:
    fit(hf_student(base), Full(), tmp_path, max_steps=1)
    file = tmp_path / "chat_template.jinja"
    file.write_text("{{ messages")
    with pytest.raises(DataError, match="chat template cannot be used"):
        Hf().load(tmp_path)
    file.unlink()
    with pytest.raises(DataError, match="chat template is missing"):
        Hf().load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("llama", {"prompt": "chat"}, "has no chat template"),
        ("t5", {"prompt": "chat"}, "does not chat"),
        ("chat", {"prompt": "chat", "task_prefix": "decoder"}, "cannot begin with the task word"),
    ],
)
def test_chat_that_is_impossible_is_refused(
    kind: str, changes: Any, message: str, request: pytest.FixtureRequest, base: Path, tmp_path: Path
) -> None:
    folder = base if kind == "chat" else request.getfixturevalue(kind)
    with pytest.raises((ConfigError, DataError), match=message):
        fit(hf_student(folder), Full(), tmp_path, max_steps=1, **changes)
