"""The interface of export formats: writing a student, and loading it with the format's own runtime.

    form.write(source, folder)            # weights, tokenizer and settings: all that `load` needs
    form.load(folder).generate([ModelInput(text="predict: how many requests failed", example=…)])

To add a format, write a subclass of `Format` and add it to `dstill_export.registry`.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.answering.steps import prompts
from dstill.api.records import Example, ModelInput
from dstill.api.student import Generation, Generator
from dstill_export.card import UsageExample, model_card

if TYPE_CHECKING:
    from dstill.runs.run import Run
    from dstill_finetune.card import Prompt
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.student_metadata import Facts

__all__ = [
    "FACTS",
    "NAMES",
    "RETRY_HINT",
    "Format",
    "ParitySample",
    "Source",
    "copy_tokenizer",
    "encoder_of",
    "folder_size",
]

FACTS = "export.json"
RETRY_HINT = "free some space, or use a folder on another disk, and run the same command again"
NAMES = ("bundle", "merged", "adapter", "ctranslate2", "gguf", "int8")
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
    """The student to export, its run, its folder and its metadata."""

    run: Run
    student: Any  # `Finetuned`, or for the formats of `dstill_export.linked` a `LinkedStudent`
    folder: Path
    facts: Facts


@dataclass(frozen=True, kw_only=True)
class ParitySample:
    """The texts that the exported student read and wrote in the parity check."""

    examples: Sequence[Example]
    prompts: Sequence[ModelInput]
    answers: Sequence[Generation]


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

    def add_other_files(self, source: Source, folder: Path) -> None:
        """Add the student's other files, after `write`. Default: all but weights and tokenizer."""
        copy_other_files(source, folder)

    @abstractmethod
    def load(self, folder: Path) -> Generator:
        """The exported student, loaded only from the files in `folder`, including its generation settings."""

    def runtime(self, facts: Facts) -> str:
        """The library that `load` runs the exported student with. Default: the library."""
        return self.library

    def splits(self, run: Run) -> Sequence[str]:
        """The splits whose questions both students answer. Default: none are named, so the evaluated ones."""
        return ()

    def prompts(self, run: Run, examples: Sequence[Example]) -> list[ModelInput]:
        """The texts that the exported student reads, after `load`. Default: as the student of the run."""
        return prompts(run.objective, run.task, examples)

    def describe(self, source: Source, folder: Path, facts: Mapping[str, Any], trial: ParitySample) -> None:
        """Write the card and the facts, after the parity check."""
        complete = next((n for n, answer in enumerate(trial.answers) if not answer.truncated), 0)
        code = self.example_code(source, folder, trial.prompts[complete])
        example = UsageExample(code=code, answer=trial.answers[complete].text)
        (folder / "README.md").write_text(model_card(self.library, facts, example), encoding="utf-8")
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def example_code(self, source: Source, folder: Path, question: ModelInput) -> str:
        """Python code for the model card that answers `question`."""
        from dstill_finetune.card import asked
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        words = facts.system_messages if facts.prompt == "chat" else facts.tasks
        word = next((word for word in sorted(words, key=len, reverse=True) if question.text.startswith(word)), "")
        prompt, task = asked(facts, word, question.text.removeprefix(word))
        return self.usage(facts, prompt, task, cut=encoder_of(source.folder, plain=True).cuts_prompts)

    def usage(self, facts: Facts, prompt: Prompt, task: Sequence[int], *, cut: bool) -> str:
        """Python code for the model card that answers `prompt`. Default: with transformers.

        Args:
            facts: Of the exported student.
            prompt: A text, or the conversation of a student that chats.
            task: Token ids that the answer starts with.
            cut: Remove the end token that the tokenizer adds to the prompt.
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
    """Copy the files of the student's tokenizer, without a chat template that it was not trained with."""
    for file in source.folder.iterdir():
        unused = file.name.startswith("chat_template") and not source.facts.system_messages
        if file.is_file() and file.name.startswith(_TOKENIZER) and not unused:
            shutil.copyfile(file, folder / file.name)


def encoder_of(folder: Path, tokenizer: Any = None, model: Any = None, *, plain: bool = False) -> Encoder:
    """The encoder that builds prompts from the files in `folder`, as another program does.

    Prompts are rendered by the exported chat template if the student was trained on what it renders. Pass `tokenizer`
    if it is not in the folder, `model` to limit prompts and answers to its positions, and `plain` for the plain prompts
    of a student that has them.
    """
    from dstill_finetune.adapter_loading import saved_tokenizer
    from dstill_finetune.chat import Chat
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.model_loading import UNBOUNDED, positions_of
    from dstill_finetune.student_metadata import Facts

    facts = Facts.read(folder)
    tokenizer = tokenizer or saved_tokenizer(folder)
    by_template = facts.prompt == "chat" or (facts.system_messages and not plain)
    return Encoder(
        tokenizer,
        encoder_decoder=facts.encoder_decoder,
        max_length=facts.max_length,
        max_target_length=facts.max_target_length,
        task_prefix=facts.task_prefix,
        tasks=facts.tasks,
        positions=UNBOUNDED if model is None else positions_of(model.config),
        chat=Chat(tokenizer, facts.system_messages) if by_template else None,
    )


def folder_size(folder: Path) -> int:
    """Bytes of all files in `folder` and its subfolders."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
