"""What a form of export is: how it is written, and how its own runtime reads it back.

    form.write(source, folder)            # weights, tokenizer and settings, of which `load` needs no others
    form.load(folder).generate(["predict: how many requests failed"])

A further form is a class of its own and a line in `dstill_export.forms`.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Sequence

from dstill.api.student import Generator

if TYPE_CHECKING:
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.student_metadata import Facts
    from dstill_finetune.students import Finetuned

__all__ = ["AGAIN", "NAMES", "Format", "Source", "bytes_of", "copy_tokenizer", "describe", "encoder_of"]

AGAIN = "free some space, or name a folder on another disk, and run the same command again"
NAMES = ("merged", "adapter", "ctranslate2", "gguf")
# Of a student's folder: what each form writes in its own way, or not at all.
_OWN = ("README.md", "adapter_config.json", "config.json", "generation_config.json", "student.json")

_TOKENIZER = ("tokenizer", "special_tokens_map", "added_tokens", "chat_template", "vocab", "merges", "spiece")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The student that is exported, where it lies, and what is known of it."""

    student: Finetuned
    folder: Path
    facts: Facts


class Format(ABC):
    name: ClassVar[str]
    rate: ClassVar[float] = 1.0  # of the sample that has to be answered alike, unless `--parity` says otherwise
    library: ClassVar[str] = "transformers"  # that opens it, as model hubs call it
    on_cpu: ClassVar[bool] = False  # whatever the machine has

    def require(self, source: Source) -> None:
        """Raises MissingExtra or UsageError where this student cannot have this form; no weights are read for it."""
        return None

    @abstractmethod
    def need(self, source: Source) -> int:
        """Bytes that `write` takes on the disk at most, with what it takes for a while."""

    @abstractmethod
    def write(self, source: Source, folder: Path) -> None:
        """Fill `folder`. Raises UsageError where its runtime does not know the student's architecture."""

    @abstractmethod
    def load(self, folder: Path) -> Generator:
        """The exported student, from the files in `folder` alone: its answers end where those say."""

    @abstractmethod
    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        """Python for the model card that answers `prompt`.

        `task`: ids that the answer begins with; `cut`: the prompt loses the end token that the tokenizer adds.
        """


def describe(source: Source, folder: Path) -> None:
    """Copy what else describes the student: the files beside its weights that are a matter of no form."""
    for file in sorted(source.folder.iterdir()):
        weights = ".safetensors" in file.name
        if file.is_file() and not weights and not file.name.startswith(_TOKENIZER) and file.name not in _OWN:
            shutil.copyfile(file, folder / file.name)


def copy_tokenizer(source: Source, folder: Path) -> None:
    for file in source.folder.iterdir():
        if file.name.startswith(_TOKENIZER):
            shutil.copyfile(file, folder / file.name)


def encoder_of(folder: Path, tokenizer: Any = None, model: Any = None) -> Encoder:
    """Prompts as the student learnt them, from the exported files; `tokenizer`: where it is not beside them.

    `model`: whose positions a prompt and its answer have to do with.
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


def bytes_of(folder: Path) -> int:
    """Of every file in `folder` and below it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
