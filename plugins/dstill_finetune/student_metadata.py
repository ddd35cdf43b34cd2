"""student.json: what `load` needs to know about a trained student, beside the files that transformers reads.

{"schema_version": 1, "student": "hf", "base": "google/flan-t5-small", "modality": "lora", "adapter": true, …}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from dstill.errors import DataError
from dstill.io.typed_json import convert

__all__ = ["FILE", "Facts"]

FILE = "student.json"
SCHEMA_VERSION = 1
TokenId = Annotated[int, range(2**21)]  # the limit of a vocabulary in `dstill_finetune.limits`
Length = Annotated[int, range(2**20 + 1)]  # the limit of `train.max_length`


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The metadata of a trained student."""

    schema_version: int = SCHEMA_VERSION
    student: str
    base: str  # hub id, folder or GGUF file; "base": the folder of that name beside this file; empty: none
    modality: str
    adapter: bool
    four_bit: bool
    encoder_decoder: bool
    new_tokens: tuple[TokenId, ...]  # ids that were added to the base's tokenizer
    seed: int
    max_length: Length
    max_target_length: Length
    threads: Length = 0  # of the CPU; 0: torch's own choice
    task_prefix: str = "encoder"  # as in training (`dstill_finetune.encoding`)
    base_sha256: str = ""  # of the weights that the adapter was trained on (`model_loading.fingerprint`)
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # in training; auto: unknown
    tasks: Mapping[str, list[TokenId]] = field(default_factory=dict)  # task prefix → ids that the answer begins with
    prompt: Literal["plain", "chat"] = "plain"
    # Task prefix → system message of the conversation that the tokenizer's chat template renders as the prompt. Empty:
    # the template, if there is one, renders other prompts.
    system_messages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Facts:
        file = folder / FILE
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
            if convert(int, row["schema_version"]) > SCHEMA_VERSION:
                raise DataError(
                    f"the student was written by a newer dstill (schema {row['schema_version']})", where=str(file)
                )
            facts: Facts = convert(cls, row)
            return facts
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError("this is not a student that dstill wrote", where=f"{file}: {error}") from error

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
