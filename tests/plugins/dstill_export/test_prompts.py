"""What an export carries renders the prompt of training: its chat template, and the Modelfile of Ollama."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.chat import NO_SYSTEM, TEMPLATE, with_turns

from dstill.runs.run import Run
from dstill_export.exporting import ParityError, export
from dstill_export.formats import Source, encoder_of
from dstill_export.merged import Merged
from dstill_export.modelfile import modelfile
from dstill_export.registry import format_of
from dstill_finetune.chat import Chat, plain_templates
from dstill_finetune.student_metadata import Facts
from dstill_finetune.tokenizer import learn

WORDS = {"predict: ": "", "explain: ": "explain"}
Student = Callable[[str], Run]


def facts_of(prompt: Any) -> Facts:
    return Facts(
        student="hf", base="", modality="full", adapter=False, four_bit=False, encoder_decoder=False, new_tokens=(),
        seed=0, max_length=96, max_target_length=32, prompt=prompt, system_messages=WORDS,
    )  # fmt: skip


def asked_by_ollama(text: str, prompt: str, system: str = "") -> str:
    """What Ollama renders with the template of a Modelfile, as far as its own template language is used here."""
    (template,) = re.findall(r'TEMPLATE """(.*)"""', text, re.DOTALL)
    assert '"""' not in template
    both, alone = re.fullmatch(r"{{ if .System }}(.*){{ else }}(.*){{ end }}", template, re.DOTALL).groups()  # type: ignore[union-attr]
    values = {".System": system, ".Prompt": prompt}
    return re.sub(
        r"{{ (`(.*?)`|\.\w+) }}",
        lambda found: found[2] if found[2] is not None else values[found[1]],
        both if system else alone,
    )


# --- the Modelfile ----------------------------------------------------------------------


@pytest.mark.parametrize("template", [TEMPLATE, NO_SYSTEM, TEMPLATE + '{{ "{{ x }}" }}' + '""""'])
def test_modelfile_asks_as_the_chat_template_does(template: str) -> None:
    tokenizer = with_turns(learn(["all red cars"], 280), template)
    chat = Chat(tokenizer, WORDS)
    text = modelfile("model.gguf", tokenizer, facts_of("chat"))
    assert text.startswith("FROM ./model.gguf\n")
    # llama.cpp adds the start token
    assert "<s>" + asked_by_ollama(text, "red {cars}") == chat.render("predict: ", "red {cars}")
    assert "<s>" + asked_by_ollama(text, "red cars", "explain") == chat.render("explain: ", "red cars")
    assert 'PARAMETER stop "</s>"' in text
    assert "PARAMETER temperature 0\nPARAMETER num_ctx 128\nPARAMETER num_predict 32\n" in text


def test_modelfile_of_a_plain_student_asks_with_its_task_word() -> None:
    tokenizer = with_turns(learn(["all red cars"], 280))
    tokenizer.chat_template, *_ = plain_templates(tokenizer, WORDS, "encoder")
    text = modelfile("model.gguf", tokenizer, facts_of("plain"))
    assert asked_by_ollama(text, "red cars") == "predict: red cars\n"
    assert asked_by_ollama(text, "red cars", "explain") == "explain: red cars\n"


# --- the gate ---------------------------------------------------------------------------


@pytest.mark.slow
def test_gate_asks_through_the_exported_template(student: Student, tmp_path: Path) -> None:
    """An export with another template is refused, though its weights are right."""

    class Renamed(Merged):
        def write(self, source: Source, folder: Path) -> None:
            super().write(source, folder)
            file = folder / "chat_template.jinja"
            file.write_text(file.read_text().replace("<|assistant|>", ""))

    with pytest.raises(ParityError):
        export(student("chat"), Renamed(), tmp_path / "renamed")
    export(student("chat"), format_of("merged"), tmp_path / "merged")
    assert (tmp_path / "merged" / "chat_template.jinja").read_text() == TEMPLATE


@pytest.mark.parametrize("name", ["chat", pytest.param("llama", marks=pytest.mark.slow)])
def test_exported_template_renders_the_trained_prompt(name: str, student: Student, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    run = student(name)
    export(run, format_of("merged"), tmp_path / "out", count=2)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    turns = [{"role": "user", "content": "add 1 and 2"}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    writer: Any = run.student.load(run.folder / "student")
    assert writer.encoder.prompts(["predict: add 1 and 2"]) == [(ids, [])]
    assert encoder_of(tmp_path / "out").prompts(["predict: add 1 and 2"]) == [(ids, [])]
    facts = json.loads((tmp_path / "out" / "student.json").read_text())
    assert facts["prompt"] == ("chat" if name == "chat" else "plain")


@pytest.mark.slow
def test_gguf_file_carries_template_end_and_start(student: Student, tmp_path: Path) -> None:
    from dstill_finetune import gguf_files
    from dstill_finetune.gguf_head import settings_of

    run = student("gguf")
    export(run, format_of("gguf"), tmp_path / "out", count=2)
    base, made = (
        settings_of(Path(Facts.read(run.folder / "student").base)),
        settings_of(tmp_path / "out" / "model.gguf"),
    )
    assert made["tokenizer.chat_template"] == base["tokenizer.chat_template"]
    assert (base["tokenizer.ggml.eos_token_id"], made["tokenizer.ggml.eos_token_id"]) == (1, 2)
    assert made["tokenizer.ggml.add_bos_token"] is True
    tokenizer = gguf_files.load_tokenizer(tmp_path / "out" / "model.gguf")
    turns = [{"role": "user", "content": "add 1 and 2"}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    writer: Any = run.student.load(run.folder / "student")
    assert writer.encoder.prompts(["predict: add 1 and 2"]) == [(ids, [])]
    assert ids.count(tokenizer.bos_token_id) == 1
    text = (tmp_path / "out" / "Modelfile").read_text()
    assert "<s>" + asked_by_ollama(text, "add 1 and 2") == tokenizer.decode(ids)
