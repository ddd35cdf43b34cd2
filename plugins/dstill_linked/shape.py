"""The sizes of a linked model, the numbers of its special tokens, and the names of its weights.

shape = Shape(features=…, tokens=…, width=128, heads=4, …)
dict(shape.weights())   →  {"features.weight": (16_695, 128), "relations.weight": (36, 4), …}
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

__all__ = ["END", "FIRST", "MEANING_WIDTH", "RATIONALE", "START", "WEIGHTS", "Shape"]

# The first rows of the token embedding: what an answer begins with, what ends, and what a rationale begins with.
START, END, RATIONALE = 0, 1, 2
FIRST = 3  # the row of the form's first token
WEIGHTS = "model.safetensors"
MEANING_WIDTH = 64  # of the vectors of `dstill_linked.meanings`


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes of a model."""

    features: int  # rows of the feature embedding, those for hashed names included
    tokens: int  # those before FIRST included
    relations: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    hidden: int
    longest: int  # tokens of one answer

    def to_json(self) -> dict[str, int]:
        """As stored beside the weights."""
        return asdict(self)

    @property
    def in_layers(self) -> int:
        """Weights that are not embeddings."""
        return sum(math.prod(size) for name, size in self.weights() if name.startswith(("encoder.", "decoder.")))

    def weights(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and dimensions of each array of weights."""
        width, hidden = self.width, self.hidden
        yield "features.weight", (self.features, width)
        yield "meanings.weight", (width, MEANING_WIDTH)
        yield "relations.weight", (self.relations, self.heads)
        yield "tokens.weight", (self.tokens, width)
        yield "places.weight", (self.longest, width)
        for name, layers, norms, attentions in (
            ("encoder", self.encoder_layers, ("attention", "dense"), ("attention",)),
            ("decoder", self.decoder_layers, ("written", "memory", "dense"), ("written", "memory")),
        ):
            for layer in (f"{name}.{number}" for number in range(layers)):
                yield from ((f"{layer}.norm_{norm}.weight", (width,)) for norm in norms)
                for attention in attentions:
                    yield from ((f"{layer}.{attention}.{letter}_proj.weight", (width, width)) for letter in "qkvo")
                yield f"{layer}.dense.up.weight", (hidden, width)
                yield f"{layer}.dense.down.weight", (width, hidden)
        yield from ((f"norm_{place}.weight", (width,)) for place in ("memory", "output"))
        yield from ((f"pointer_{role}.weight", (width, width)) for role in ("in", "query", "key"))
