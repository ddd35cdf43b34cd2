"""The indices that questions are about: the bundled ones, and the user's own.

bundled("weblogs").now             "2025-03-27T12:00:00Z"
bundled("weblogs", 200).documents  a callable that gives 200 pairs ("w00000", {"@timestamp": …})
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from dstill.api.values import BUNDLED, Values
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.plain_files import read_bounded
from dstill.io.strict_json import NotStrict, loads
from dstill_querydsl.bundle import FOLDER, birdstrikes, factbook, flights, movies, quakes, weblogs
from dstill_querydsl.language.mapping.form import require_mapping, require_size
from dstill_querydsl.language.mapping.merge import plain
from dstill_querydsl.language.values import values_in

__all__ = [
    "APART_KEY",
    "HELD_OUT",
    "LICENCES",
    "NAMES",
    "TRAINED",
    "Index",
    "aliases_in",
    "bundled",
    "configured",
    "own_index",
]

_PACKED = {"movies": movies, "flights": flights, "quakes": quakes, "birdstrikes": birdstrikes, "factbook": factbook}
NAMES = ("weblogs", *_PACKED)
# No base is trained on them. `test_unseen_data` asks about one. Questions written by hand ask about the others.
HELD_OUT = ("quakes", "birdstrikes", "factbook")
TRAINED = tuple(name for name in NAMES if name not in HELD_OUT)
# Licences of the documents. `bundle/NOTICE.md` has the details.
LICENCES = {
    "weblogs": "Apache-2.0, dstill's own",
    "movies": "CC0-1.0",
    "flights": "CC0-1.0",
    "quakes": "public domain of the United States",
    "birdstrikes": "public domain of the United States",
    "factbook": "public domain of the United States",
}
SETTINGS: Mapping[str, Any] = {"number_of_shards": 1, "number_of_replicas": 0}  # of the bundled indices
DOCUMENTS = 5_000
LARGEST = 64 * 2**20  # bytes, of a file with a mapping or values
APART_KEY = "fields_apart"  # in a mapping's _meta: field → fields that are never in the same document
CEILING = 20_000  # documents. The embedded engine indexes about 1,300 documents a second


@dataclass(frozen=True, kw_only=True)
class Index:
    """A mapping and its documents."""

    name: str
    mapping: Mapping[str, Any]  # {"properties": …, "_meta": …}
    settings: Mapping[str, Any]
    now: str  # ISO, UTC: the value of `now` in date math. Empty: the time of the run
    documents: Callable[[], Iterable[tuple[str, dict[str, Any]]]]  # the same (id, source) at every call
    recipe: str = ""  # what determines the documents: generator, seed and count, or a file's hash
    given_values: Values | None = None  # from a values file. None: `values` are counted in the documents
    dropped_fields: tuple[str, ...] = ()  # fields that the engine of a test database cannot index

    @cached_property
    def values(self) -> Values:
        """The known values of the fields."""
        return (
            values_in(self.mapping, (source for _, source in self.documents()))
            if self.given_values is None
            else self.given_values
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the mapping, what determines the documents, and the given values."""
        content: list[Any] = [self.name, self.mapping, self.settings, self.now, self.recipe]
        if self.given_values is not None:
            content.append(self.given_values.to_json())
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def data(self) -> str:
        """SHA-256 of everything that results depend on, so without the given values and the mapping's ``_meta``."""
        silent = {key: value for key, value in self.mapping.items() if key != "_meta"}
        return replace(self, mapping=silent, given_values=None).digest


@lru_cache(maxsize=8)
def bundled(name: str, documents: int | None = None) -> Index:
    """The bundled index of that name with at most `documents` documents (default: `DOCUMENTS`). Raises UsageError."""
    if name not in NAMES:
        raise UsageError(
            f"no bundled index called '{name}'.{did_you_mean(name, NAMES)}", where=f"bundled: {', '.join(NAMES)}"
        )
    count = DOCUMENTS if documents is None else documents
    if not 1 <= count <= CEILING:
        raise UsageError(f"{count} documents of '{name}' are out of range", hint=f"1 to {CEILING:,}")
    return _packed(name, count) if name in _PACKED else _generated(count)


def _packed(name: str, count: int) -> Index:
    module = _PACKED[name]
    count = min(count, module.PACKED.total)
    return Index(
        name=name,
        mapping=module.MAPPING,
        settings=SETTINGS,
        now=module.NOW,
        documents=partial(module.PACKED.documents, count),
        recipe=f"{module.PACKED.file} {module.PACKED.sha256}, {count} documents",
    )


def _generated(count: int, seed: int = 7) -> Index:
    return Index(
        name="weblogs",
        mapping=weblogs.MAPPING,
        settings=SETTINGS,
        now=weblogs.NOW,
        documents=partial(weblogs.documents, count, seed),
        recipe=f"weblogs generator 1, seed {seed}, {count} documents",
    )


def configured(name: str, mapping_file: str, values_file: str) -> Index:
    """The user's own index, from the files that ``[task.querydsl]`` names. Raises DataError.

    It has no documents here, since they are in the user's engine.
    """
    return _configured(name, mapping_file, values_file, Path.cwd())


def aliases_in(file: str) -> Any:
    """The content of a file with other names of values; empty: no file. Raises DataError and UsageError.

    ``bundled:NAME``: the file that is recorded about that index.
    """
    if file.startswith(BUNDLED):
        file = str(FOLDER / "recorded" / f"{bundled(file.removeprefix(BUNDLED), 1).name}.aliases.json")
    return _json(file, "task.querydsl.aliases") if file else {}


@lru_cache(maxsize=8)
def _configured(name: str, mapping_file: str, values_file: str, folder: Path) -> Index:  # noqa: ARG001 - a cache key
    """`configured`, cached. `folder` is the folder that relative file names start from."""
    mapping = _json(mapping_file, "task.querydsl.mapping")
    require_mapping(mapping)
    values = Values.read(_json(values_file, "task.querydsl.values"), values_file) if values_file else Values()
    return own_index(name, mapping, values)


def _json(file: str, where: str) -> Any:
    try:
        return loads(read_bounded(Path(file), LARGEST).decode("utf-8-sig"))
    except OSError as problem:
        raise DataError(f"cannot read {file}: {(problem.strerror or '').lower()}", where=where) from None
    except UnicodeDecodeError as problem:
        raise DataError(f"{file} is not UTF-8 (byte {problem.start})", where=where) from None
    except NotStrict as problem:
        raise DataError(f"{file} is not strict JSON: {problem}", where=where) from None


def own_index(name: str, mapping: Mapping[str, Any], values: Values) -> Index:
    """An index without documents here. Its mapping is made plain, whatever form it was given in. Raises DataError."""
    mapping = plain(mapping)
    require_size(mapping, where=f"index '{name}'")
    now = str(mapping.get("_meta", {}).get("now", ""))
    return Index(name=name, mapping=mapping, settings={}, now=now, documents=tuple, given_values=values)
