"""The executors of this pack: what `evaluate` runs answers on.

    with Embedded().open(task, Engine()) as executor:
        executor.run('{"query": {"term": {"level": "error"}}}', example)
        → Outcome(kind=ok, value=…)        # for `compare.same`

- `Embedded` (default): the bundled indices, in a server of its own, each loaded once.
- `Http` (``--engine-url``): an index of the user's, only read; or with ``load_data`` the example's
  bundled index, written to one made for it and removed at the end.

An example whose context holds a ``test_database`` (`records.TestDatabase`, data ``{"documents": [[id, source],
…]}``) runs on those documents under the index' mapping; beside an index of the user's, which is only
read, on an embedded server. Golds of an index that cannot move are run once and remembered.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Iterable, Mapping, Self, Sequence

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, Outcome, OutcomeKind, Problem, TestDatabase
from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.drift_watch import changes, look
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.live_guard import LiveGuard
from dstill_querydsl.engines.parity_guard import faithfully
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.engines.rules import OWN_PREFIX, check_name
from dstill_querydsl.engines.self_check import KNOWN_INDEX, about, known_answers, not_asked, own_index
from dstill_querydsl.engines.unsupported_fields import Unheld
from dstill_querydsl.language import strict

__all__ = ["Embedded", "Http", "HttpSettings"]

LIVE = 48  # corpora at once on a server: of more, those loaded first are removed


@dataclass(frozen=True, kw_only=True)
class Place(LoadedIndex):
    """Where an example's answers run."""

    digest: str = ""  # of the data; empty: it may move while we look
    passing: bool = False  # a corpus, which few answers run on


class _OnEngine(Executor):
    """What both have in common: reading, freezing, running and remembering."""

    server: HttpEngine

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self._places: dict[str, Place] = {}
        self._golds: dict[tuple[str, str], Outcome] = {}
        return self

    def index_of(self, example: Example) -> Index | None:
        """The data that an example stands for; None where only a name is known."""
        return index_of(example.context, self.task.config)

    @abstractmethod
    def place_of(self, example: Example) -> Place:
        """The index that the example's answers run on, loaded or looked at where it was not yet."""

    def execute(self, answer: str, example: Example) -> Outcome:
        read = strict.read(answer)
        if read.value is None:  # of a task whose checks do not ask for JSON
            return Outcome(kind=OutcomeKind.INVALID, reason=read.problems[0].message)
        place = self.place_of(example)
        if errors := self.errors(place, read.value):
            reason = f"not run: {errors[0].layer}: {errors[0].message}"
            return Outcome(kind=OutcomeKind.INVALID, reason=reason, problems=errors)
        body = place.frozen(read.value)
        key = (place.digest, json.dumps(body))
        if key not in self._golds:
            outcome = self._run(place, body)
            if outcome.kind is OutcomeKind.OK:
                outcome = replace(outcome, value={**outcome.value, "documents": place.documents})
            if not place.digest or answer != example.answer:
                return outcome
            self._golds[key] = outcome
        return self._golds[key]

    def errors(self, place: Place, body: dict[str, Any]) -> tuple[Problem, ...]:
        """What keeps `body` from running at `place`, although the task's checks let it pass."""
        return ()

    def _run(self, place: Place, body: Mapping[str, Any]) -> Outcome:
        return observe(lambda one: self.server.search(place.name, one), body)

    def _load(self, index: Index) -> Place:
        """The index on the server, loaded when it is not there yet."""
        if index.data not in self._places:
            name = check_name(f"{OWN_PREFIX}{index.name}-{secrets.token_hex(4)}", where="context.index")
            passing = index.recipe.startswith(_CORPUS)
            self._places[index.data] = Place.load(
                self.server,
                name,
                index.mapping,
                index.documents(),
                index.settings,
                now=index.now or _clock(),
                unheld=Unheld.of(index.mapping, index.dropped_fields) if passing else None,
                digest=index.data,
                passing=passing,
            )
            for digest in [digest for digest, place in self._places.items() if place.passing][:-LIVE]:
                self.server.drop(self._places.pop(digest).name)
        return self._places[index.data]

    @property
    def label(self) -> str:
        return str(self.server.capabilities)

    def close(self) -> None:
        self.server.close()


class Embedded(_OnEngine):
    name = "embedded"
    distributions = ("osmem-server", "elasticsearch")

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self.server = EmbeddedEngine(timeout=engine.timeout)
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        if self._documents_of(example) is None:
            reason = (
                f"no documents of '{example.context.get('index', '')}' here; --engine-url names the server with them"
            )
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)
        return super().execute(answer, example)

    def place_of(self, example: Example) -> Place:
        index = self._documents_of(example)
        assert index is not None  # `execute` has looked
        return self._load(index)

    def self_check(self) -> Iterable[CheckResult]:
        yield from known_answers(self.server, self._load(KNOWN_INDEX).name)

    def _documents_of(self, example: Example) -> Index | None:
        index = _with_corpus(self.index_of(example), example)
        return index if index is not None and index.recipe else None

    def _run(self, place: Place, body: Mapping[str, Any]) -> Outcome:
        return faithfully(place.holes, lambda one: self.server.search(place.name, one), body)


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """The section ``[executor.http]``; how the server is reached stands in ``[engine]``."""

    index: str = field(
        default="",
        metadata={"help": "Index, alias or data stream; empty: the example's own.", "was": "engine.index"},
    )
    allow_pattern: bool = field(
        default=False,
        metadata={"help": "Allow a `*` in the index name, as in `logs-*`.", "was": "engine.allow_pattern"},
    )


class Http(_OnEngine):
    name = "http"
    takes_url: ClassVar[bool] = True
    Config = HttpSettings
    config: HttpSettings
    distributions = ("elasticsearch",)

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        if not engine.url:
            raise UsageError("the executor 'http' has no server", where="engine.url", hint="--engine-url http://…")
        if self.config.index:
            check_name(self.config.index, pattern=self.config.allow_pattern)
        self.server = HttpEngine(engine, writable=engine.load_data, pattern=self.config.allow_pattern)
        self._guards: dict[str, LiveGuard] = {}  # by the name of the index
        return self

    @cached_property
    def _beside(self) -> Embedded:
        """What runs corpora, so that nothing is written to the user's server."""
        return Embedded().open(self.task, Engine(timeout=self.engine.timeout))

    def execute(self, answer: str, example: Example) -> Outcome:
        beside = isinstance(example.context.get("test_database"), TestDatabase) and not self.engine.load_data
        return self._beside.run(answer, example) if beside else super().execute(answer, example)

    def errors(self, place: Place, body: dict[str, Any]) -> tuple[Problem, ...]:
        """The guard again, by the index as it is: the checks know what the example says of it."""
        limits = getattr(self.task.config, "guard", None)  # None: a task of no guard
        if self.engine.load_data or limits is None:
            return ()
        if place.name not in self._guards:
            described = index_of({"index": place.name}, self.task.config)
            self._guards[place.name] = LiveGuard.of(place.mapping, described, limits)
        return self._guards[place.name].errors(body)

    @property
    def data(self) -> str:
        return self.config.index

    def context(self, example: Example) -> Mapping[str, Any]:
        return {} if self.engine.load_data else {"mapping": self.place_of(example).mapping}

    def close(self) -> None:
        if "_beside" in vars(self):
            self._beside.close()
        super().close()

    def place_of(self, example: Example) -> Place:
        if self.engine.load_data:
            index = _with_corpus(self.index_of(example), example)
            if index is None or not index.recipe:
                raise UsageError(
                    f"there are no documents of '{example.context.get('index', '')}' to load",
                    where=f"example {example.id}",
                    hint="load_data is for the bundled indices",
                )
            return self._load(index)
        name = self._name_of(example)
        if name not in self._places:
            self._places[name] = self._look(name)
        return self._places[name]

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        return {} if self.engine.load_data else look(self.server, filter(None, map(self._name_of, examples)))

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        return changes(then, now)

    def _name_of(self, example: Example) -> str:
        """The index that the configuration or the example names, checked; empty where neither does."""
        name = self.config.index or str(example.context.get("index", ""))
        return check_name(name, pattern=self.config.allow_pattern, where=f"example {example.id}") if name else ""

    def self_check(self) -> Iterable[CheckResult]:
        yield from about(self.server, self.config.index)
        if name := self.config.index:
            described = index_of({"index": name}, self.task.config)
            then = described.mapping if described is not None and not described.recipe else None
            yield from own_index(self.server, name, then)
        if self.engine.load_data:
            yield from known_answers(self.server, self._load(KNOWN_INDEX).name)
        else:
            yield from not_asked(self.server)

    def _look(self, name: str) -> Place:
        """An index of the user's, as it is now. Raises DataError where nothing is in it."""
        check_name(name, pattern=self.config.allow_pattern)
        mapping, described = self.server.mapping(name), index_of({"index": name}, self.task.config)
        # what a person's mapping file says of now goes before what the index says: questions were made by it
        said = described.now if described is not None else ""
        if said:
            mapping = {**mapping, "_meta": {**mapping.get("_meta", {}), "now": said}}
        now = str(mapping.get("_meta", {}).get("now", "")) or _clock()
        documents = self.server.count(name)
        if not documents:
            hint = "answers need documents to run on"
            raise DataError(f"the index '{name}' is empty", where=self.engine.url, hint=hint)
        return Place(engine=self.server, name=name, now=now, mapping=mapping, documents=documents)


def _clock() -> str:
    """The time of the run, for indices that do not say what ``now`` is."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_CORPUS = "corpus "


def _with_corpus(index: Index | None, example: Example) -> Index | None:
    corpus = example.context.get("test_database")
    if index is None or not isinstance(corpus, TestDatabase):
        return index
    documents: Iterable[tuple[str, dict[str, Any]]] = [tuple(pair) for pair in corpus.data["documents"]]
    recipe = hashlib.sha256(json.dumps([index.digest, corpus.data], sort_keys=True).encode()).hexdigest()
    return replace(
        index,
        name="corpus",
        documents=lambda: documents,
        recipe=f"{_CORPUS}{recipe}",
        now=corpus.data.get("now", index.now),
        settings=corpus.data.get("settings", index.settings),
        dropped_fields=tuple(corpus.data.get("without", ())),
    )
