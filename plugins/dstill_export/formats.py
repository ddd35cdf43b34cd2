"""The interface of export formats: writing a student, and loading it with the format's own runtime.

    form.write(source, folder)            # weights, tokenizer and settings: all that `load` needs
    form.load(folder).generate([ModelInput(text="predict: how many requests failed", example=…)])

To add a format, write a subclass of `Format` and add it to `dstill_export.registry`.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.api.records import ModelInput
from dstill.api.student import Generator

if TYPE_CHECKING:
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.student_metadata import Facts

__all__ = [
    "NAMES",
    "RETRY_HINT",
    "Format",
    "Source",
    "copy_other_files",
    "copy_tokenizer",
    "encoder_of",
    "folder_size",
]

RETRY_HINT = "free some space, or use a folder on another disk, and run the same command again"
NAMES = ("merged", "adapter", "ctranslate2", "gguf", "int8")
# Files of a student's folder that a format writes itself, or omits.
_BY_FORMAT = (
    "README.md",
    "adapter_config.json",
    "config.json",
    "generation_config.json",
    "student.json",
    "linked.json",
)

_TOKENIZER = ("tokenizer", "special_tokens_map", "added_tokens", "chat_template", "vocab", "merges", "spiece")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The student to export, its folder and its metadata."""

    student: Any  # `Finetuned`, or for the formats of `dstill_export.linked` a `LinkedStudent`
    folder: Path
    facts: Facts


class Format(ABC):
    """An export format."""

    name: ClassVar[str]
    min_parity: ClassVar[float] = 1.0  # share of the sample that must be answered alike; `--parity` overrides it
    library: ClassVar[str] = "transformers"  # that loads it, in the spelling of the Hugging Face Hub
    on_cpu: ClassVar[bool] = False  # runs on the CPU even if there is a GPU

    def check(self, _: Source) -> None:
        """Raises MissingExtra or UsageError if this student cannot be exported. Does not read weights."""
        return None

    @abstractmethod
    def disk_space(self, source: Source) -> int:
        """Bytes that `write` takes on the disk at most, including temporary files."""

    @abstractmethod
    def write(self, source: Source, folder: Path) -> None:
        """Write the student to `folder`. Raises UsageError if the format does not support its architecture."""

    @abstractmethod
    def load(self, folder: Path) -> Generator:
        """The exported student, loaded only from the files in `folder`, including its generation settings."""

    def example_code(self, source: Source, folder: Path, question: ModelInput) -> str:
        """Python code for the model card that answers `question`."""
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        word = next((word for word in sorted(facts.tasks, key=len, reverse=True) if question.text.startswith(word)), "")
        cut = encoder_of(source.folder).cuts_prompts
        return self.usage(facts, question.text.removeprefix(word), facts.tasks.get(word, []), cut=cut)

    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        """Python code for the model card that answers `prompt`. Default: with transformers.

        `task` are token ids that the answer starts with. `cut`: remove the end token that the tokenizer adds to the
        prompt.
        """
        from dstill_finetune.card import usage

        return usage(facts, prompt, task, cut=cut)


def copy_other_files(source: Source, folder: Path) -> None:
    """Copy the student's files that no format writes itself, other than weights and tokenizer."""
    for file in sorted(source.folder.iterdir()):
        weights = ".safetensors" in file.name
        if file.is_file() and not weights and not file.name.startswith(_TOKENIZER) and file.name not in _BY_FORMAT:
            shutil.copyfile(file, folder / file.name)


def copy_tokenizer(source: Source, folder: Path) -> None:
    """Copy the files of the student's tokenizer."""
    for file in source.folder.iterdir():
        if file.name.startswith(_TOKENIZER):
            shutil.copyfile(file, folder / file.name)


def encoder_of(folder: Path, tokenizer: Any = None, model: Any = None) -> Encoder:
    """The encoder that builds prompts as in training, from the files in `folder`.

    Pass `tokenizer` if it is not in the folder, and `model` to limit prompts and answers to its positions.
    """
    from dstill_finetune.adapter_loading import saved_tokenizer
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.model_loading import UNBOUNDED, positions_of
    from dstill_finetune.student_metadata import Facts

    facts = Facts.read(folder)
    return Encoder(
        tokenizer or saved_tokenizer(folder),
        encoder_decoder=facts.encoder_decoder,
        max_length=facts.max_length,
        max_target_length=facts.max_target_length,
        task_prefix=facts.task_prefix,
        tasks=facts.tasks,
        positions=UNBOUNDED if model is None else positions_of(model.config),
    )


def folder_size(folder: Path) -> int:
    """Bytes of all files in `folder` and its subfolders."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
