"""The section ``[task.querydsl]`` of dstill.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dstill_querydsl.bundle.indices import CEILING, DOCUMENTS
from dstill_querydsl.language import guard

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The index that questions are about, and the rules that answers are checked by."""

    index: str = field(
        default="weblogs",
        metadata={"help": "The index that questions are about: one of the bundled indices, or your own."},
    )
    mapping: str = field(
        default="",
        metadata={
            "help": "JSON file with the mapping of your index, as `GET INDEX/_mapping` returns it.",
            "trust": "file",
            "describes": True,
        },
    )
    values: str = field(
        default="",
        metadata={
            "help": "JSON file with known values of its fields, as `dstill init` writes it.",
            "trust": "file",
            "describes": True,
        },
    )
    documents: int = field(
        default=DOCUMENTS, metadata={"low": 1, "high": CEILING, "help": "Number of documents of a bundled index."}
    )
    n_questions: int = field(
        default=6_000,
        metadata={
            "low": 1,
            "high": 200_000,
            "help": "Number of synthetic questions to make for training.",
        },
    )
    free_phrasing: float = field(
        default=0.0,
        metadata={
            "low": 0.0,
            "high": 0.9,
            "help": "Share of the training and validation questions that are freely phrased instead of made from a "
            "template. `dstill init` writes 0.5 for your own index and a base student. The test splits have none.",
        },
    )
    student_context: Literal["question", "mapping"] = field(
        default="question",
        metadata={"help": "What the student reads: the question alone, or the question and the fields of the index."},
    )
    prompt_fields: int = field(
        default=120,
        metadata={
            "low": 10,
            "high": 5_000,
            "help": "Most fields of the mapping that a prompt shows. It shows the fields most similar to the question.",
        },
    )
    profiled_fields: int = field(
        default=100,
        metadata={
            "low": 1,
            "high": 5_000,
            "help": "Most fields whose values `dstill init` reads. It reads the fields that most documents have.",
        },
    )
    question_fields: int = field(
        default=40,
        metadata={"low": 1, "high": 5_000, "help": "Most of these fields that synthetic questions use."},
    )
    text_sample_size: int = field(
        default=0,
        metadata={
            "low": 0,
            "high": 1_000,
            "help": "Number of documents whose texts `dstill init` reads a few words of. 0: it reads no texts.",
        },
    )
    example_value_fields: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Fields whose example values the teacher sees, in addition to value lists and ranges.",
        },
    )
    dialect: Literal["elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3"] = field(
        default="elasticsearch9", metadata={"help": "The product and version whose rules answers are checked against."}
    )
    corpora: int = field(
        default=5,
        metadata={
            "low": 0,
            "high": 5,
            "help": "Most small test databases on which an answer has to agree with the reference. 0: none.",
        },
    )
    guard: guard.Limits = field(default_factory=guard.Limits, metadata={"trust": "limits"})
