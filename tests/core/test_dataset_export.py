"""The exported dataset, read by `datasets` and TRL, and by the file names that other trainers document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.quality.review import FILE, Decision, digest

Cli = Callable[..., Any]


@pytest.fixture
def run(cli: Cli, project: Path, toy_file: Path, once: Callable[..., None]) -> Run:
    def build() -> None:
        assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
        assert cli("data", "export", "mine").code == 0

    once("exported", build)
    return Run.open(project / "mine", plugins=plugin_loading.load([toy_file]))


def rows(run: Run, form: str, split: str = "train") -> list[dict[str, Any]]:
    return list(run.rows(f"export/{form}/{split}.jsonl"))


def opened(run: Run, form: str) -> Any:
    datasets = pytest.importorskip("datasets")  # absent from `make floors`: it needs newer libraries than dstill

    datasets.disable_progress_bars()
    return datasets.load_dataset(str(run.folder / "export"), form, cache_dir=str(run.folder / "cache"))


def test_both_formats_have_every_row(run: Run) -> None:
    record = run.records("train")[0]
    reply = f"<rationale>{record.rationale}</rationale><answer>{record.answer}</answer>"
    asked, told = {"role": "user", "content": record.question}, {"role": "assistant", "content": reply}
    for split in ("train", "validation", "test"):
        ids = [one.id for one in run.records(split)]
        assert [row["id"] for row in rows(run, "messages", split)] == ids
        assert [row["id"] for row in rows(run, "prompt-completion", split)] == ids
    assert rows(run, "messages")[0] == {"schema_version": 1, "id": record.id, "messages": [asked, told]}
    completion = {"prompt": f"{record.question}\n", "completion": reply}
    assert rows(run, "prompt-completion")[0] == {"schema_version": 1, "id": record.id, **completion}
    parsed = run.task.parse(rows(run, "prompt-completion")[0]["completion"])
    assert parsed is not None
    assert (parsed.answer, parsed.rationale) == (record.answer, record.rationale)


def test_exported_files_are_in_the_manifest_until_the_dataset_changes(run: Run, cli: Cli) -> None:
    named = {name for name in run.manifest["files"] if name.startswith("export/")}
    assert named == {
        f"export/{form}/{split}.jsonl"
        for form in ("messages", "prompt-completion")
        for split in ("train", "validation", "test")
    }
    assert cli("data", "curate", "mine").code == 0
    assert not [name for name in Run.open(run.folder, plugins=run.plugins).manifest["files"] if "export" in name]
    assert not list((run.folder / "export").rglob("*.jsonl"))


def test_exports_answers_without_rationales(run: Run, cli: Cli) -> None:
    ended = cli("data", "export", "mine", "--without-rationale", "--json")
    told = json.loads(ended.out)
    assert (told["export"], told["splits"]) == ("mine/export", {"train": 13, "validation": 1, "test": 13})
    assert [row["completion"] for row in rows(run, "prompt-completion")] == [r.answer for r in run.records("train")]


def test_exports_reviewed_rows(run: Run, cli: Cli) -> None:
    first, second = run.records("train")[:2]
    at = {"who": "me", "when": "2026-01-01T00:00:00+00:00"}
    edit = {"answer": second.answer, "rationale": "as a person says"}
    run.append(FILE, Decision(id=first.id, digest=digest(first), decision="reject", **at))
    run.append(FILE, Decision(id=second.id, digest=digest(second), decision="edit", **edit, **at))
    assert cli("data", "export", "mine").code == 0
    ids = {row["id"]: row["completion"] for row in rows(run, "prompt-completion")}
    assert first.id not in ids
    assert "as a person says" in ids[second.id]


# --- the trainers -----------------------------------------------------------------------


def test_datasets_loads_both_formats(run: Run) -> None:
    for form in ("messages", "prompt-completion"):
        found = opened(run, form)
        assert {split: len(found[split]) for split in found} == {"train": 13, "validation": 1, "test": 13}
        assert list(found["train"]) == rows(run, form)


CHAT = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"


@pytest.mark.slow  # importing TRL takes half a minute on a busy machine
@pytest.mark.filterwarnings("ignore")  # TRL's own, of what it calls
@pytest.mark.parametrize("form", ["messages", "prompt-completion"])
def test_trl_trains_on_the_rows_unchanged(run: Run, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    learnt = ByteLevelBPETokenizer()
    learnt.train_from_iterator([str(row) for row in rows(run, form)], vocab_size=300, special_tokens=["<pad>", "</s>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=learnt._tokenizer, pad_token="<pad>", eos_token="</s>")
    tokenizer.chat_template = CHAT
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes))
    config = SFTConfig(
        output_dir=str(run.folder / "trl"),
        max_steps=1,
        per_device_train_batch_size=2,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = SFTTrainer(model=model, args=config, train_dataset=opened(run, form)["train"], processing_class=tokenizer)
    text = tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    record = run.records("train")[0]
    assert record.question in text
    assert f"<answer>{record.answer}</answer></s>" in text
    if form == "prompt-completion":  # and the loss is on the completion alone
        learns = [label for label in trainer.train_dataset[0]["labels"] if label != -100]
        assert tokenizer.decode(learns) == f"{rows(run, form)[0]['completion']}</s>"
    assert trainer.train().global_step == 1


def test_llama_factory_finds_the_files(run: Run) -> None:
    """`columns` name what stands in the rows, `tags` what stands in a message."""
    described = json.loads((run.folder / "export" / "dataset_info.json").read_text())
    assert set(described) == {
        f"mine-{form}-{split}"
        for form in ("messages", "prompt-completion")
        for split in ("train", "validation", "test")
    }
    for about in described.values():
        row = json.loads((run.folder / "export" / about["file_name"]).read_text().split("\n")[0])
        assert set(about) <= {"file_name", "formatting", "columns", "tags"}
        assert set(about["columns"].values()) <= set(row)
        if about["formatting"] == "sharegpt":
            tags = about["tags"]
            assert about["columns"] == {"messages": "messages"}
            said = {message[tags["role_tag"]]: message[tags["content_tag"]] for message in row["messages"]}
            assert list(said) == [tags["user_tag"], tags["assistant_tag"]]
        else:
            assert (about["formatting"], set(about["columns"])) == ("alpaca", {"prompt", "response"})
