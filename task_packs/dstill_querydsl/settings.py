"""The section ``[task.querydsl]`` of dstill.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dstill.api.setting import setting
from dstill_querydsl.bundle.indices import CEILING, DOCUMENTS
from dstill_querydsl.language import guard

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The index that questions are about, and the rules that answers are checked by."""

    index: str = setting("weblogs", "The index that questions are about: one of the bundled indices, or your own.")
    mapping: str = setting(
        "",
        "JSON file with the mapping of your index, as `GET INDEX/_mapping` returns it.",
        trust="file",
        describes=True,
    )
    values: str = setting(
        "", "JSON file with known values of its fields, as `dstill init` writes it.", trust="file", describes=True
    )
    aliases: str = setting(
        "",
        'JSON file with other names of known values: `{"airport.code": {"JFK": ["kennedy"]}}`, or `bundled:NAME`.',
        trust="file",
        describes=True,
    )
    glossary: str = setting(
        "", "TOML file with words of your trade and what they mean in the data.", trust="file", describes=True
    )
    documents: int = setting(DOCUMENTS, "Number of documents of a bundled index.", low=1, high=CEILING)
    n_questions: int = setting(6_000, "Number of synthetic questions to make for training.", low=1, high=200_000)
    free_phrasing: float = setting(
        0.0,
        "Share of the training and validation questions that are freely phrased instead of made from a "
        "template. `dstill init` writes 0.5 for your own index and a base student. The test splits have none.",
        low=0.0,
        high=0.9,
    )
    student_context: Literal["question", "mapping"] = setting(
        "question", "What the student reads: the question alone, or the question and the fields of the index."
    )
    prompt_fields: int = setting(
        120,
        "Most fields of the mapping that a prompt shows. It shows the fields most similar to the question.",
        low=10,
        high=5_000,
    )
    profiled_fields: int = setting(
        100,
        "Most fields whose values `dstill init` reads. It reads the fields that most documents have.",
        low=1,
        high=5_000,
    )
    question_fields: int = setting(40, "Most of these fields that synthetic questions use.", low=1, high=5_000)
    text_sample_size: int = setting(
        0,
        "Number of documents whose texts `dstill init` reads a few words of. 0: it reads no texts.",
        low=0,
        high=1_000,
    )
    example_value_fields: tuple[str, ...] = setting(
        (), "Fields whose example values the teacher sees, in addition to value lists and ranges."
    )
    dialect: Literal["elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3"] = setting(
        "elasticsearch9", "The product and version whose rules answers are checked against."
    )
    corpora: int = setting(
        5, "Most small test databases on which an answer has to agree with the reference. 0: none.", low=0, high=5
    )
    guard: guard.Limits = field(default_factory=guard.Limits, metadata={"trust": "limits"})
