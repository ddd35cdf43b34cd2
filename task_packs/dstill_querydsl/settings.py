"""The section ``[task.querydsl]`` of dstill.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dstill_querydsl import guard
from dstill_querydsl.bundle.indices import CEILING, DOCUMENTS

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What questions are about, and by which rules answers are checked."""

    index: str = field(default="weblogs", metadata={"help": "what questions are about: a bundled index, or your own"})
    mapping: str = field(
        default="", metadata={"help": "JSON file with the mapping of an index of your own", "trust": "file"}
    )
    values: str = field(default="", metadata={"help": "JSON file with what its fields hold", "trust": "file"})
    documents: int = field(default=DOCUMENTS, metadata={"low": 1, "high": CEILING, "help": "of a bundled index"})
    rows: int = field(default=6_000, metadata={"low": 1, "high": 200_000, "help": "synthetic questions to train on"})
    student_context: Literal["question", "mapping"] = field(
        default="question", metadata={"help": "what a student reads: the question alone, or the index's fields too"}
    )
    prompt_fields: int = field(
        default=120, metadata={"low": 10, "high": 5_000, "help": "fields of a wide mapping that prompts show"}
    )
    known_fields: int = field(
        default=100, metadata={"low": 1, "high": 5_000, "help": "fields whose values `init` reads, the fullest first"}
    )
    question_fields: int = field(
        default=40, metadata={"low": 1, "high": 5_000, "help": "of these, fields that questions are made of"}
    )
    sample_texts: int = field(
        default=0,
        metadata={"low": 0, "high": 1_000, "help": "documents of whose texts `init` reads a few words; 0: none"},
    )
    samples: tuple[str, ...] = field(
        default=(), metadata={"help": "fields of whose values a teacher is shown examples, beside lists and ranges"}
    )
    dialect: Literal["elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3"] = field(
        default="elasticsearch9", metadata={"help": "whose rules hold where products differ"}
    )
    corpora: int = field(
        default=5, metadata={"low": 0, "high": 5, "help": "small data sets that an answer has to agree on too; 0: none"}
    )
    guard: guard.Limits = field(default_factory=guard.Limits, metadata={"trust": "limits"})
