"""The executors of this pack, on which `evaluate` runs answers.

    with Embedded().open(task, Engine()) as executor:
        executor.run('{"query": {"term": {"level": "error"}}}', example)
        → Outcome(kind=ok, value=…)        # for `compare.same`

- `Embedded` (default): starts an embedded server and loads each bundled index once.
- `Http` (``--engine-url``): reads an index of the user; or with ``load_data`` loads the example's bundled index into a
  new index and removes it at the end.

If the context of an example has a ``test_database`` (`records.TestDatabase`, data ``{"documents": [[id, source],
…]}``), its answers run on these documents under the mapping of the index. As nothing is written to the user's server,
`Http` runs them on an embedded server. Results of reference answers are cached if the index cannot change.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, Outcome, OutcomeKind, Problem, TestDatabase
from dstill.api.rows import NotReadable
from dstill.api.setting import setting
from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.declarations import EMBEDDED, HTTP
from dstill_querydsl.engines.drift_watch import changes, snapshot
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.live_guard import LiveGuard
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.engines.row_filters import RowFilters, within
from dstill_querydsl.engines.rules import OWN_PREFIX, check_name
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields
from dstill_querydsl.language import strict
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.limits import Limits

__all__ = ["Embedded", "Http", "HttpSettings"]

MAX_TEST_DATABASES = 48  # on a server at once; the oldest are removed first


@dataclass(frozen=True, kw_only=True)
class EnginePlace(LoadedIndex):
    """The index on which the answers to an example run."""

    digest: str = ""  # of the data; empty: it may change at any time
    temporary: bool = False  # a test database, which few answers use


class _EngineExecutor(Executor):
    """Shared by both executors: parses, freezes and runs answers, and caches the results of reference answers."""

    server: HttpEngine

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self._places: dict[str, EnginePlace] = {}
        self._references: dict[tuple[str, str], Outcome] = {}
        self._dependencies: dict[str, Mapping[str, Any]] = {}  # index name → those in its documents
        self._rows = RowFilters(getattr(task.config, "guard", None) or Limits())
        for name in self._rows.names:
            if (index := self.index_of(Example(id="", question="", context={"index": name}))) is not None:
                self._rows.check(name, Fields.of(index.mapping))
        return self

    def index_of(self, example: Example) -> Index | None:
        """The index of an example; None if only its name is known."""
        return index_of(example.context, self.task.config)

    @abstractmethod
    def place_of(self, example: Example) -> EnginePlace:
        """The index on which the example's answers run; loaded or inspected on first use."""

    def execute(self, answer: str, example: Example) -> Outcome:
        read = strict.read(answer)
        if read.value is None:  # the task's checks do not require JSON
            return Outcome(kind=OutcomeKind.INVALID, reason=read.problems[0].message)
        place = self.place_of(example)
        try:
            rows = self._rows.query(self.name_of(example), example, Fields.of(place.mapping)) if self._rows else None
            body = place.frozen(read.value) if rows is None else within(place.frozen(read.value), rows)
        except NotReadable as error:
            return Outcome(kind=OutcomeKind.INVALID, reason=str(error))
        if errors := self.errors(place, read.value, rows):
            reason = f"not run: {errors[0].layer}: {errors[0].message}"
            return Outcome(kind=OutcomeKind.INVALID, reason=reason, problems=errors)
        key = (place.digest, json.dumps(body))
        if key not in self._references:
            outcome = self._run(place, body)
            if outcome.kind is OutcomeKind.OK:
                about = {"documents": place.documents} if rows is None else self._about_rows(place, read.value, rows)
                outcome = replace(outcome, value={**outcome.value, **about})
            if not place.digest or answer != example.answer:
                return outcome
            self._references[key] = outcome
        return self._references[key]

    def errors(self, place: EnginePlace, body: dict[str, Any], rows: Mapping[str, Any] | None) -> tuple[Problem, ...]:
        """Errors that keep `body` from running at `place`, although it passed the checks of the task.

        `rows`: the query of the documents that it may read; None: all.
        """
        return ()

    def name_of(self, example: Example) -> str:
        """The name of the example's index in the configuration."""
        index = self.index_of(example)
        return index.name if index is not None else str(example.context.get("index", ""))

    def missing_claims(self, example: Example) -> frozenset[str]:
        return self._rows.missing(example)

    def _about_rows(self, place: EnginePlace, body: Mapping[str, Any], rows: Mapping[str, Any]) -> dict[str, Any]:
        """What a value says beside the reply: the body as it was written, and how many documents it may read."""
        counted = self.server.search(place.name, {"size": 0, "track_total_hits": True, "query": rows})
        documents = counted.raw["hits"]["total"]["value"] if counted.kind is OutcomeKind.OK else 0
        return {"body": place.frozen(body), "documents": documents}

    def context(self, example: Example) -> Mapping[str, Any]:
        """The rules that the documents never break, for test databases that keep them."""
        from dstill_querydsl.testdata.dependencies import dependencies
        from dstill_querydsl.testdata.layout import Layout

        if not getattr(self.task.config, "corpora", 0):
            return {}
        place = self.place_of(example)
        if place.name not in self._dependencies:
            layout = Layout(place.mapping)
            self._dependencies[place.name] = dependencies(layout, lambda body: self.run(json.dumps(body), example))
        return {"dependencies": self._dependencies[place.name]}

    def _run(self, place: EnginePlace, body: Mapping[str, Any]) -> Outcome:
        return observe(lambda request: self.server.search(place.name, request), body)

    def _load(self, index: Index) -> EnginePlace:
        """The index on the server, loaded on first use."""
        if index.data not in self._places:
            name = check_name(f"{OWN_PREFIX}{index.name}-{secrets.token_hex(4)}", where="context.index")
            temporary = index.recipe.startswith(_TEST_DATABASE)
            self._places[index.data] = EnginePlace.load(
                self.server,
                name,
                index.mapping,
                index.documents(),
                index.settings,
                now=index.now or _clock(),
                unsupported_fields=UnsupportedFields.of(index.mapping, index.dropped_fields) if temporary else None,
                digest=index.data,
                temporary=temporary,
            )
            for old in [digest for digest, place in self._places.items() if place.temporary][:-MAX_TEST_DATABASES]:
                self.server.drop(self._places.pop(old).name)
        return self._places[index.data]

    @property
    def label(self) -> str:
        return str(self.server.capabilities)

    def close(self) -> None:
        self.server.close()


class Embedded(_EngineExecutor, declared=EMBEDDED):
    """Runs answers about bundled indices and test databases on the embedded engine."""

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self.server = EmbeddedEngine(timeout=engine.timeout)
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        if self._documents_of(example) is None:
            missing = f"the embedded engine has no documents of '{example.context.get('index', '')}'"
            reason = f"{missing}; pass --engine-url with a server that has them"
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)
        return super().execute(answer, example)

    def context(self, example: Example) -> Mapping[str, Any]:
        return {} if self._documents_of(example) is None else super().context(example)

    def place_of(self, example: Example) -> EnginePlace:
        index = self._documents_of(example)
        assert index is not None  # `execute` and `context` check this
        return self._load(index)

    def self_check(self) -> Iterable[CheckResult]:
        from dstill_querydsl.engines.self_check import CONFORMANCE_INDEX, conformance_checks

        yield from conformance_checks(self.server, self._load(CONFORMANCE_INDEX).name)

    def _documents_of(self, example: Example) -> Index | None:
        index = _with_test_database(self.index_of(example), example)
        return index if index is not None and index.recipe else None

    def _run(self, place: EnginePlace, body: Mapping[str, Any]) -> Outcome:
        return search_if_supported(place.unsupported, lambda request: self.server.search(place.name, request), body)


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """The section ``[executor.http]``. The server's address, keys and CA file are in ``[engine]``."""

    index: str = setting("", "Index, alias or data stream; empty: the example's own.")
    allow_pattern: bool = setting(False, "Allow a `*` in the index name, as in `logs-*`.", trust="limits")
    ca_fingerprint: str = setting(
        "", "SHA-256 fingerprint of the CA's certificate, instead of the file in `engine.ca_certs`.", trust="ca"
    )


class Http(_EngineExecutor, declared=HTTP):
    """Runs answers on the user's Elasticsearch or OpenSearch."""

    Config = HttpSettings
    config: HttpSettings

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        if not engine.url:
            hint = "pass --engine-url http://…"
            raise UsageError("the executor 'http' needs a server", where="engine.url", hint=hint)
        if self.config.index:
            check_name(self.config.index, pattern=self.config.allow_pattern)
        self.server = HttpEngine(
            engine,
            writable=engine.load_data,
            pattern=self.config.allow_pattern,
            ca_fingerprint=self.config.ca_fingerprint,
        )
        self._guards: dict[str, LiveGuard] = {}  # index name → guard
        if self.config.index in self._rows.names and not engine.load_data:
            self._rows.check(self.config.index, Fields.of(self._inspected(self.config.index).mapping))
        return self

    @cached_property
    def _embedded(self) -> Embedded:
        """Runs test databases, so that nothing is written to the user's server."""
        return Embedded().open(self.task, Engine(timeout=self.engine.timeout))

    def execute(self, answer: str, example: Example) -> Outcome:
        embedded = isinstance(example.context.get("test_database"), TestDatabase) and not self.engine.load_data
        return self._embedded.run(answer, example) if embedded else super().execute(answer, example)

    def errors(self, place: EnginePlace, body: dict[str, Any], rows: Mapping[str, Any] | None) -> tuple[Problem, ...]:
        """Run the guard again with what the server says: its mapping, ranges and dialect. The checks had the row's."""
        limits = getattr(self.task.config, "guard", None)  # None: the task has no guard
        if limits is None:
            return ()
        if place.name not in self._guards:
            described = None if self.engine.load_data else index_of({"index": place.name}, self.task.config)
            self._guards[place.name] = LiveGuard.of(place, described, limits)
        return self._guards[place.name].errors(body, rows)

    @property
    def data(self) -> str:
        return self.config.index

    def context(self, example: Example) -> Mapping[str, Any]:
        return {
            **super().context(example),
            **({} if self.engine.load_data else {"mapping": self.place_of(example).mapping}),
        }

    def close(self) -> None:
        if "_embedded" in vars(self):
            self._embedded.close()
        super().close()

    def place_of(self, example: Example) -> EnginePlace:
        if self.engine.load_data:
            index = _with_test_database(self.index_of(example), example)
            if index is None or not index.recipe:
                raise UsageError(
                    f"there are no documents of '{example.context.get('index', '')}' to load",
                    where=f"example {example.id}",
                    hint="load_data works for the bundled indices only",
                )
            return self._load(index)
        return self._inspected(self.name_of(example))

    def _inspected(self, name: str) -> EnginePlace:
        if name not in self._places:
            self._places[name] = self._inspect(name)
        return self._places[name]

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        return {} if self.engine.load_data else snapshot(self.server, filter(None, map(self.name_of, examples)))

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        return changes(then, now)

    def name_of(self, example: Example) -> str:
        """The index name from the configuration or the example, checked; empty if neither has one."""
        name = self.config.index or str(example.context.get("index", ""))
        return check_name(name, pattern=self.config.allow_pattern, where=f"example {example.id}") if name else ""

    def self_check(self) -> Iterable[CheckResult]:
        from dstill_querydsl.engines import self_check

        yield from self_check.server_checks(self.server, self.config.index)
        if name := self.config.index:
            described = index_of({"index": name}, self.task.config)
            then = described.mapping if described is not None and not described.recipe else None
            yield from self_check.index_checks(self.server, name, then)
        if self.engine.load_data:
            yield from self_check.conformance_checks(self.server, self._load(self_check.CONFORMANCE_INDEX).name)
        else:
            yield from self_check.skipped_checks(self.server)

    def _inspect(self, name: str) -> EnginePlace:
        """An index of the user as it is now. Raises DataError if it is empty."""
        check_name(name, pattern=self.config.allow_pattern)
        mapping, described = self.server.mapping(name), index_of({"index": name}, self.task.config)
        # ``now`` from the user's mapping file wins over that of the index: the questions were generated with it.
        described_now = described.now if described is not None else ""
        if described_now:
            mapping = {**mapping, "_meta": {**mapping.get("_meta", {}), "now": described_now}}
        now = str(mapping.get("_meta", {}).get("now", "")) or _clock()
        documents = self.server.count(name)
        if not documents:
            hint = "answers need documents to run on"
            raise DataError(f"the index '{name}' is empty", where=self.engine.url, hint=hint)
        return EnginePlace(engine=self.server, name=name, now=now, mapping=mapping, documents=documents)


def _clock() -> str:
    """The current time, for indices without a fixed ``now``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_TEST_DATABASE = "corpus "


def _with_test_database(index: Index | None, example: Example) -> Index | None:
    """`index` with the documents of the example's test database, if it has one."""
    database = example.context.get("test_database")
    if index is None or not isinstance(database, TestDatabase):
        return index
    documents: Iterable[tuple[str, dict[str, Any]]] = [tuple(pair) for pair in database.data["documents"]]
    recipe = hashlib.sha256(json.dumps([index.digest, database.data], sort_keys=True).encode()).hexdigest()
    return replace(
        index,
        name="corpus",
        documents=lambda: documents,
        recipe=f"{_TEST_DATABASE}{recipe}",
        now=database.data.get("now", index.now),
        settings=database.data.get("settings", index.settings),
        dropped_fields=tuple(database.data.get("without", ())),
    )
