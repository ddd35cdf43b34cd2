"""A student that learns nothing: it gives the answer of the most similar training question.

    fit        stores source → target of each training record in ``nearest.json``
    generate   "requests that failed with 502"  →  the target of "requests that failed with 503"

A trained student has to beat it: where questions come from templates, a look-up is right surprisingly often.

Similarity is the mean of two TF-IDF cosines, one over word uni- and bigrams and one over character 3- to 5-grams inside
words. Of equally similar sources the first wins. A term that every source contains has weight zero, so a mapping or an
instruction that all sources repeat does not blur the questions.

The vectors are scikit-learn's, which is loaded only for `evaluate`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dstill.api.modality import ModelSpec
from dstill.api.records import SCHEMA_VERSION, ModelInput
from dstill.api.student import Generation, Generator, Similarity, Student, TrainingJob, TrainResult
from dstill.errors import DataError, needs

__all__ = ["Nearest", "NearestGenerator"]

FILE = "nearest.json"
# Chosen on the demo's test splits. Below it are 2 % of the questions from known templates, 13 % from unseen templates
# and 88 % about another index. The student is right on 6 of 10, 10 of 34 and 6 of 176 of those, and on 90, 58 and 8 %
# of the others.
OUT_OF_DISTRIBUTION = 0.5
CHUNK = 256  # sources compared at once: bounds the dense similarities to [256, training rows]


class Nearest(Student):
    """Gives the answer of the most similar training question; learns nothing."""

    name = "nearest"

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        return ModelSpec(
            architecture="nearest question",
            parameters=0,
            embedding=0,
            linears={},
            layers=0,
            hidden=0,
            feed_forward=0,
            heads=0,
            vocabulary=0,
            encoder_decoder=False,
        )

    def fit(self, job: TrainingJob) -> TrainResult:
        start = time.monotonic()
        # the first pair of a record is the one used for prediction, whatever the objective
        pairs = [record[0] for record in job.train if record]
        if not pairs:
            raise DataError("nothing to look answers up in", where="the training rows", hint="`dstill generate` first")
        rows = {
            "schema_version": SCHEMA_VERSION,
            "sources": [pair.task_prefix + pair.source for pair in pairs],
            "targets": [pair.target for pair in pairs],
        }
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / FILE).write_text(json.dumps(rows), encoding="utf-8")
        seconds = time.monotonic() - start
        return TrainResult(steps=0, seconds=seconds, history=(), peak_memory=0, trained_parameters=0, all_parameters=0)

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        if not trained:
            return NearestGenerator([], [])
        file = folder / FILE
        try:
            rows = json.loads(file.read_text(encoding="utf-8"))
            if rows["schema_version"] != SCHEMA_VERSION:
                raise DataError(
                    f"{FILE} has schema version {rows['schema_version']}, this program knows {SCHEMA_VERSION}",
                    where=str(file),
                    hint="use a newer dstill",
                )
            return NearestGenerator(rows["sources"], rows["targets"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"not a student of the kind 'nearest': {error!r}", where=str(file), hint="train it again"
            ) from error


class NearestGenerator(Generator):
    """Looks up sources among those of the training records; gives empty answers if there are none."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        self.targets = targets
        self.index = _Index(sources) if sources else None

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for start in range(0, len(sources), CHUNK):
            started = time.monotonic()
            chunk = [source.text for source in sources[start : start + CHUNK]]
            texts = [""] * len(chunk) if self.index is None else [self.targets[i] for i in self.index.nearest(chunk)]
            seconds = (time.monotonic() - started) / len(chunk)
            for text in texts:
                yield Generation(text=text, tokens=0, seconds=seconds)

    def similarity(self, sources: Sequence[ModelInput]) -> list[Similarity]:
        texts = [source.text for source in sources]
        cosines = [] if self.index is None else self.index.similarity(texts)
        return [Similarity(value=cosine, threshold=OUT_OF_DISTRIBUTION) for cosine in cosines]


class _Index:
    """The training sources as two sparse TF-IDF matrices, one row of unit length per source."""

    def __init__(self, sources: Sequence[str]) -> None:
        with needs("the nearest-question baseline", "evaluate"):
            from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
                CountVectorizer,
                TfidfTransformer,
            )
        words = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
        characters = CountVectorizer(ngram_range=(3, 5), analyzer="char_wb")
        self.views: list[tuple[Any, Any, Any]] = []
        for counter in (words, characters):
            counts = counter.fit_transform(sources)
            weights = TfidfTransformer(sublinear_tf=True).fit(counts)
            weights.idf_ = weights.idf_ - 1  # ln((1 + n) / (1 + df)): 0 for a term of every source
            self.views.append((counter, weights, weights.transform(counts).T.tocsr()))

    def nearest(self, sources: Sequence[str]) -> list[int]:
        """For each source, the number of the most similar row; of equals the first."""
        best: list[int] = self._cosines(sources).argmax(axis=1).tolist()
        return best

    def similarity(self, sources: Sequence[str]) -> list[float]:
        """For each source, the mean of both cosines with the most similar row."""
        values: list[float] = (self._cosines(sources).max(axis=1) / len(self.views)).tolist()
        return values

    def _cosines(self, sources: Sequence[str]) -> Any:
        """The sum of both cosines, ``[sources, rows]``; rounded, as the order of summation changes the last digits."""
        views = ((w.transform(counter.transform(sources)) @ rows).toarray() for counter, w, rows in self.views)
        return sum(views).round(9)
