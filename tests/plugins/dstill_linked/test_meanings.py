"""The vectors of words, and what a student does with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.sums_form import SumsForm, examples

from dstill.errors import DataError
from dstill.linked import Item, Schema, read
from dstill_linked import meanings
from dstill_linked.making.rows import with_strange_words
from dstill_linked.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [("revenue", "income", "weather"), ("kid", "child", "invoice"), ("hazardous", "dangerous", "monthly")],
)
def test_words_of_one_meaning_are_near(word: str, near: str, far: str) -> None:
    numbers, vectors = meanings.numbers(), meanings.vectors()
    like = vectors @ vectors[numbers[word]]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert like[numbers[near]] > 0.5 > 0.2 > like[numbers[far]]


def test_a_reading_has_the_meanings_of_words_and_of_names() -> None:
    item = Item(name="gross_income", words=("gross", "income"), kind="number")
    reading = read("Revenues of zzyzx", Schema([item]))
    assert reading.features[0]["~revenue"] == 1.0
    assert reading.features[-1]["~gross"] == reading.features[-1]["~income"] == 0.5
    vocabulary = Vocabulary.of(SumsForm())
    row = vocabulary.read(reading)
    beyond = set(row.features[row.features >= vocabulary.n_features] - vocabulary.n_features)
    assert beyond == {meanings.numbers()[word] for word in ("revenue", "of", "gross", "income")}


def test_only_the_meaning_of_a_strange_word_is_kept() -> None:
    vocabulary = Vocabulary.of(SumsForm())
    example = examples(1, seed=1)[0]
    row = vocabulary.read(SumsForm().read(example))
    made = with_strange_words(row, vocabulary, _Always())  # type: ignore[arg-type]
    changed = made.features != row.features
    assert changed.any()
    assert (made.features[~changed] == row.features[~changed]).all()
    hashed = (made.features >= 0) & (made.features < vocabulary.n_features)
    assert hashed[changed].all()
    known = row.features >= vocabulary.n_features
    assert known.any()
    assert not changed[known].any()


class _Always:
    """A generator with which every word is strange."""

    def random(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def integers(self, low: int, high: int, size: int, dtype: type) -> np.ndarray:
        return np.full(size, high - 1, dtype)


def test_damaged_vectors_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meanings.safetensors"
    shutil.copy(meanings.FILE, file)
    file.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setattr(meanings, "FILE", file)
    meanings._arrays.cache_clear()
    try:
        with pytest.raises(DataError, match="the vectors of words are damaged"):
            meanings._arrays()
    finally:
        monkeypatch.undo()
        meanings._arrays.cache_clear()
