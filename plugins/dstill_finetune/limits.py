"""Limits on the sizes in a model's configuration, checked before anything is built from it.

    require_sizes({"num_hidden_layers": 2147483647}, "config.json")   # DataError: num_hidden_layers is 2,147,483,647 …
    require_weights(config, 120_000, "models/mine")                   # DataError: too many parameters for the files

A model is built layer by layer even on the meta device, where it takes no memory, so a huge count takes forever. The
limits are several times what published models have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dstill.errors import DataError

__all__ = ["require_sizes", "require_weights"]

# The first pattern that matches a key decides. In the comments: the largest published value that we know.
_LIMITS = (
    (re.compile(r"vocab"), 2**21),  # 262,144 (Gemma 3)
    (re.compile(r"layers?$|block_count|n_block|depth|num_.*layer"), 1_000),  # 126 (Llama 3.1 405B)
    (re.compile(r"(size|dim|rank|_length|embd|inner|d_model|d_ff|d_kv|_ff)$"), 2**24),  # 16,384 wide; contexts below
    (re.compile(r"expert"), 4_096),  # 2,048 (Switch Transformer)
    (re.compile(r"head|group|kernel|conv|codebook|bucket|stage|stack"), 2**14),  # 128 heads (Llama 3.1 405B)
    (re.compile(r"label"), 2**16),  # of classifiers; transformers makes a dictionary of them
)
_POSITIONS = re.compile(r"position|context|window|length|distance|token")  # no layer is built for each of these
_MOST = 2**62
BITS = 1  # lower bound of bits per parameter; the tightest quantization has 1.56


def require_sizes(values: Mapping[str, Any], where: str) -> None:
    """Raises DataError for the first number in `values`, at any depth, that is beyond the limits."""
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
    """The integers with their keys, at any depth; items of a list have the list's key."""
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
    """Raises DataError if files of `size` bytes are too small for `parameters`.

    transformers would initialize the missing ones at random.
    """
    if parameters * BITS > 8 * size:
        raise DataError(
            f"the configuration describes {parameters:,} parameters, and the weights are {size:,} bytes",
            where=where,
            hint="weights and configuration are from two models: take both from one",
        )
