"""The student that learns nothing: it answers with the most similar training question's answer.

    fit      the label pairs' source → target, kept as they are in ``nearest.json``
    write    "requests that failed with 502"  →  the target of "requests that failed with 503"

It is what a trained student has to beat: where questions come from templates, a look-up
is right surprisingly often. Similar means the mean of two exact TF-IDF cosines, one over
word uni- and bigrams, one over the character 3- to 5-grams inside words; of equally
similar sources the first one wins. A term that every source holds weighs nothing, so a
mapping or an instruction that all sources repeat does not blur the questions.

The vectors are scikit-learn's, not own code: its analyzers and sparse products are well
tested, it stands on the scipy that the extra holds anyway, and only `evaluate` loads it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence

from dstill.api.modality import ModelSpec
from dstill.api.records import SCHEMA_VERSION
from dstill.api.student import Generation, Generator, Similarity, Student, TrainingJob, TrainResult
from dstill.errors import DataError, needs

__all__ = ["Nearest", "NearestWriter"]

FILE = "nearest.json"
# Chosen on the demo's test sets: with it 2 % of the questions of known shapes, 13 % of unseen shapes and 88 % of
# another index are far. Of those the student is right on 6 of 10, 10 of 34 and 6 of 176; of the others on
# 90, 58 and 8 %.
FAR = 0.5
CHUNK = 256  # sources compared at once: bounds the dense similarities to 256 x training rows


class Nearest(Student):
    """Answers with the most similar training question's answer; learns nothing."""

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
        # a record's first pair is the one that a student is asked for, whatever the objective
        pairs = [record[0] for record in job.train if record]
        if not pairs:
            raise DataError("nothing to look answers up in", where="the training rows", hint="`dstill generate` first")
        kept = {
            "schema_version": SCHEMA_VERSION,
            "sources": [pair.task_prefix + pair.source for pair in pairs],
            "targets": [pair.target for pair in pairs],
        }
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / FILE).write_text(json.dumps(kept), encoding="utf-8")
        seconds = time.monotonic() - start
        return TrainResult(steps=0, seconds=seconds, history=(), peak_memory=0, trained_parameters=0, all_parameters=0)

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        if not trained:
            return NearestWriter([], [])  # it has seen no question yet
        file = folder / FILE
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            if kept["schema_version"] > SCHEMA_VERSION:
                raise DataError(
                    f"{FILE} has schema version {kept['schema_version']}, this program knows {SCHEMA_VERSION}",
                    where=str(file),
                    hint="use a newer dstill",
                )
            return NearestWriter(kept["sources"], kept["targets"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"no student of the kind 'nearest': {error!r}", where=str(file), hint="train it again"
            ) from error


class NearestWriter(Generator):
    """Looks sources up among those of the training rows; answers with empty text when there are none."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        self.targets = targets
        self.index = _Index(sources) if sources else None

    def generate(self, sources: Sequence[str]) -> Iterator[Generation]:
        for start in range(0, len(sources), CHUNK):
            begun = time.monotonic()
            chunk = sources[start : start + CHUNK]
            texts = [""] * len(chunk) if self.index is None else [self.targets[i] for i in self.index.nearest(chunk)]
            seconds = (time.monotonic() - begun) / len(chunk)
            for text in texts:
                yield Generation(text=text, tokens=0, seconds=seconds)

    def similarity(self, sources: Sequence[str]) -> list[Similarity]:
        return (
            [] if self.index is None else [Similarity(value=v, threshold=FAR) for v in self.index.similarity(sources)]
        )


class _Index:
    """The training sources as rows of two sparse matrices, of unit length each."""

    def __init__(self, sources: Sequence[str]) -> None:
        with needs("the nearest-question baseline", "evaluate"):
            from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
                CountVectorizer,
                TfidfTransformer,
            )
        words = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
        parts = CountVectorizer(ngram_range=(3, 5), analyzer="char_wb")
        self.views: list[tuple[Any, Any, Any]] = []
        for counter in (words, parts):
            counts = counter.fit_transform(sources)
            weights = TfidfTransformer(sublinear_tf=True).fit(counts)
            weights.idf_ = weights.idf_ - 1  # ln((1 + n) / (1 + df)): 0 for what every source holds
            self.views.append((counter, weights, weights.transform(counts).T.tocsr()))

    def nearest(self, sources: Sequence[str]) -> list[int]:
        """For each source, the row most similar to it."""
        # argmax takes the first of equals
        best: list[int] = self._similar(sources).argmax(axis=1).tolist()
        return best

    def similarity(self, sources: Sequence[str]) -> list[float]:
        """For each source, the mean of both cosines with that row."""
        found: list[float] = (self._similar(sources).max(axis=1) / len(self.views)).tolist()
        return found

    def _similar(self, sources: Sequence[str]) -> Any:
        """Sources x rows. Rounded, because equals may differ by the order of summation."""
        views = ((w.transform(counter.transform(sources)) @ rows).toarray() for counter, w, rows in self.views)
        return sum(views).round(9)
