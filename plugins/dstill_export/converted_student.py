"""The student of a bundle that reads text: weights for CTranslate2, answers without torch and transformers.

ConvertedStudent().load(bundle / "student").generate([…])

model.bin  config.json  …vocabulary.json  tokenizer.json  prompts.json  student.json
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from dstill.api.modality import ModelSpec
from dstill.api.student import Student, TrainingJob
from dstill.errors import DataError, UsageError, needs
from dstill_export.ctranslate2_generator import CTranslate2Generator
from dstill_export.declarations import CONVERTED

__all__ = ["ConvertedStudent"]


class ConvertedStudent(Student, declared=CONVERTED):
    """Answers with the weights that `dstill export --to bundle` converted for CTranslate2; cannot be trained."""

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        _refuse()

    def fit(self, job: TrainingJob) -> NoReturn:
        _refuse()

    def load(self, folder: Path, *, trained: bool = True) -> CTranslate2Generator:
        with needs("a bundle of a student that reads text", "runtime-text"):
            import ctranslate2  # noqa: F401
            import tokenizers  # noqa: F401
        from dstill_export.plain_tokenizer import plain_encoder

        encoder = plain_encoder(folder)
        try:
            return CTranslate2Generator.load(folder, encoder)
        except RuntimeError as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise DataError(
                "CTranslate2 cannot load the weights of the student",
                where=f"{folder}: {reason[:300]}",
                hint="export the run again",
            ) from error


def _refuse() -> NoReturn:
    raise UsageError(
        "students of kind 'ctranslate2' are exported, not trained",
        where="train.student",
        hint="train another kind, and export it: dstill export RUN --to bundle",
    )
