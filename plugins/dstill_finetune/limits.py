"""How large a model may say that it is, before anything is built from what it says.

    require_sizes({"num_hidden_layers": 2147483647}, "config.json")   # DataError: num_hidden_layers is 2,147,483,647 …
    require_weights(config, 120_000, "models/mine")                   # DataError: too many parameters for the files

A model is built layer by layer even where it takes no memory (the meta device), so counts decide how long that takes.
The limits are several times what published models have.
"""

from __future__ import annotations

import math
import re
from typing import Any, Iterator, Mapping

from dstill.errors import DataError

__all__ = ["require_sizes", "require_weights"]

# The first pattern that is found in a key decides. In brackets: the largest published value known to us.
_LIMITS = (
    (re.compile(r"vocab"), 2**21),  # 262,144 (Gemma 3)
    (re.compile(r"layers?$|block_count|n_block|depth|num_.*layer"), 1_000),  # 126 (Llama 3.1 405B)
    (re.compile(r"(size|dim|rank|_length|embd|inner|d_model|d_ff|d_kv|_ff)$"), 2**24),  # 16,384 wide; contexts below
    (re.compile(r"expert"), 4_096),  # 2,048 (Switch Transformer)
    (re.compile(r"head|group|kernel|conv|codebook|bucket|stage|stack"), 2**14),  # 128 heads (Llama 3.1 405B)
    (re.compile(r"label"), 2**16),  # of classifiers, from which transformers makes a dictionary
)
_POSITIONS = re.compile(r"position|context|window|length|distance|token")  # nothing is built one by one from these
_MOST = 2**62
BITS = 1  # a parameter takes at least, in the tightest quantization that exists (1.56)


def require_sizes(values: Mapping[str, Any], where: str) -> None:
    """Raises DataError for the first number among `values`, at any depth, that no model has."""
    for key, value in _numbers(values):
        most = _limit(key.lower())
        if not -_MOST <= value <= most:
            raise DataError(
                f"{key} is {value:,}, more than the {most:,} that dstill accepts"
                if abs(value) < 10**30
                else f"{key} is a number of {math.log10(abs(value)):.0f} digits",
                where=where,
                hint="the file is damaged, or was made to exhaust memory: download the model again",
            )


def _limit(key: str) -> int:
    if _POSITIONS.search(key) and "embedding_length" not in key and "feed_forward" not in key:
        return _MOST
    return next((most for pattern, most in _LIMITS if pattern.search(key)), _MOST)


def _numbers(values: Any, key: str = "") -> Iterator[tuple[str, int]]:
    """Whole numbers with the key that they stand under; of a list each under the list's."""
    pending = [(key, values)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [(str(name), item) for name, item in value.items()]
        elif isinstance(value, (list, tuple)):
            pending += [(key, item) for item in value]
        elif isinstance(value, int) and not isinstance(value, bool):
            yield key, value


def require_weights(parameters: int, size: int, where: str) -> None:
    """Raises DataError where files of `size` bytes cannot hold so many `parameters`, which would be drawn at random."""
    if parameters * BITS > 8 * size:
        raise DataError(
            f"the configuration describes {parameters:,} parameters, and the weights are {size:,} bytes",
            where=where,
            hint="weights and configuration are of two models: take both of one",
        )
