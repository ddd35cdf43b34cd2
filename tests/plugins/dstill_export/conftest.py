"""Runs with small students that memorized a few sums, in each modality and both architectures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.chat import with_turns, write_chat_llama
from support.gguf_files import write_llama
from support.installed import entry_points
from support.shared import shared_folder

from dstill import config as configuration
from dstill import trust
from dstill.api.records import Record
from dstill.plugins import Plugins, load, part_sections
from dstill.runs.folder import SETTINGS
from dstill.runs.run import Run

MakeRun = Callable[..., Run]
# A chat template of the letters that the GGUF file has; a turn ends with its token for unknown text.
LETTERS = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }} {{ m['content'] }}<unk>{% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)
QUESTIONS = {f"add {a} and {b}": f"{a}+{b}" for a in range(1, 5) for b in (1, 2)} | {"sing a song": "none"}
RECIPE = {
    "project.task": "toy",
    "generate.teacher": "parrot",
    "train.student": "tiny",
    "train.objective": "label-only",
    "train.modality": "full",
    "train.max_steps": 80,
    "train.learning_rate": 1e-2,
    "train.per_device_train_batch_size": 9,
    "train.max_length": 48,
    "train.max_target_length": 16,
    "train.r": 8,
    "train.lora_alpha": 32,
    "train.lora_dropout": 0.0,
    "train.target_modules": "all-linear",
    "train.threads": 1,
    "train.test_largest_batch": False,
    "evaluate.baselines": [],
    "evaluate.splits": ["train"],
    "student.tiny.d_model": 64,
    "student.tiny.num_layers": 1,
    "student.tiny.num_decoder_layers": 1,
    "student.tiny.vocabulary": 320,
}


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None: ...


@pytest.fixture(scope="session")
def export_plugins(toy_file: Path) -> Plugins:
    """The toy plugin and those for training, evaluation and export."""
    others = {point.name for point in entry_points(group="dstill")} - {"finetune", "torch", "evaluate", "export"}
    return load([toy_file], disabled=others)


@pytest.fixture(scope="session")
def make_run(export_plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """``make_run("lora", **{"train.modality": "lora"})``: generated, trained and evaluated on what it learnt.

    Each is trained once a session. A worker has a copy of its own, as an export is written into its run.
    """
    copies: dict[str, Path] = {}

    def make(name: str, **flags: Any) -> Run:
        config = configuration.load(use_files=False, flags={**RECIPE, **flags}, sections=part_sections(export_plugins))

        def build(folder: Path) -> None:
            run = Run.create(folder / name, config=config, plugins=export_plugins)
            run.write("dataset/data/train.jsonl", list(records()))
            run.train(allow_unreviewed=True)
            run.evaluate()

        if name not in copies:
            built = shared_folder(tmp_path_factory, f"export-{name}", build) / name
            copies[name] = shutil.copytree(built, tmp_path_factory.mktemp("runs") / name)
            trust.allow_written(config, copies[name] / SETTINGS)  # as `Run.create` does
        return Run.open(copies[name], plugins=export_plugins)

    return make


@pytest.fixture(scope="session")
def student(
    make_run: MakeRun, llama: Path, chat_base: Path, gguf_base: Path, letters_base: Path
) -> Callable[[str], Run]:
    """Shared runs, named by their special feature."""
    of_llama = {"train.student": f"hf:{llama}", "train.learning_rate": 5e-3}
    flags: dict[str, dict[str, Any]] = {
        "full": {},
        "lora": {"train.modality": "lora", "train.task_prefix": "decoder"},
        "llama": of_llama,
        "qlora": {**of_llama, "train.modality": "qlora", "train.task_prefix": "decoder"},
        "chat": {**of_llama, "train.student": f"hf:{chat_base}", "train.modality": "lora"},
        "letters": {"train.student": f"hf:{letters_base}", "train.learning_rate": 5e-3, "train.modality": "lora"},
        "gguf": {"train.student": str(gguf_base), "train.learning_rate": 5e-3, "train.modality": "lora"},
    }
    return lambda name: make_run(name, **flags[name])


@pytest.fixture(scope="session")
def gguf_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama in a GGUF file with a chat template, untrained."""

    def build(folder: Path) -> None:
        write_llama(folder / "small.gguf", template=LETTERS)

    return shared_folder(tmp_path_factory, "export-base-gguf", build) / "small.gguf"


@pytest.fixture(scope="session")
def letters_base(gguf_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a folder for transformers: llama.cpp's converter knows its kind of vocabulary."""

    def build(folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        from dstill_finetune import gguf_files

        model = gguf_files.load_model(gguf_base, AutoModelForCausalLM, {"dtype": torch.float32})
        model.save_pretrained(folder)
        gguf_files.load_tokenizer(gguf_base).save_pretrained(folder)

    return shared_folder(tmp_path_factory, "export-base-letters", build)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Llama with a byte-level tokenizer, and the licence that its card names."""
    return shared_folder(tmp_path_factory, "export-base-llama", _write_base)


@pytest.fixture(scope="session")
def chat_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Llama with a chat template."""

    def build(folder: Path) -> None:
        write_chat_llama(folder, with_turns(learnt_tokenizer()), layers=2)

    return shared_folder(tmp_path_factory, "export-base-chat", build)


def learnt_tokenizer() -> Any:
    from dstill_finetune.tokenizer import learn

    return learn([text for row in QUESTIONS.items() for text in row], 300)


def _write_base(folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = learnt_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    ids = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
    LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, tie_word_embeddings=False, **sizes, **ids)
    ).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n\n# A small Llama\n")
    (folder / "NOTICE.txt").write_text("made by a test\n")


def records() -> Iterator[Record]:
    for number, (question, answer) in enumerate(QUESTIONS.items()):
        yield Record(
            id=f"q{number}", question=question, answer=answer, rationale="so it is", split="train", teacher="parrot"
        )
