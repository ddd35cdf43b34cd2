"""What an engine makes of a search body, against what the guard allowed.

    load(engine)                                     # the index of `support.odd_bodies`
    oracle = Oracle(engine, understands=True)
    oracle.judge('{"query":{"term":{"k":"k1"}}}')    # "ran", "engine refused", "guard refused" or "not JSON"
    oracle.costliest                                 # the bodies that took most time, memory and buckets

A `Finding` is a body that the guard lets through and that reads a denied field or another index, runs a script, costs
more than the limits say, or is not the body that the engine understood. How the engine understood it is what the node
prints after parsing it (tests/live/ElasticsearchNode.java), how it rewrites the query, and its profile.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from support.odd_bodies import DENIED, DOCUMENTS, ELSEWHERE, MAPPING

from dstill.api.records import OutcomeKind
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.live_guard import LiveGuard
from dstill_querydsl.engines.reading import bounds
from dstill_querydsl.language import guard, strict
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.guard.mapping import limits_on

__all__ = ["INDEX", "LIMITS", "Finding", "Oracle", "load"]

INDEX, OTHER = "dstill-odd", "dstill-other"
LIMITS = limits_on(MAPPING, Limits(fields=("*", f"!{DENIED}")))
SECONDS = 30.0  # until an engine has to have answered
_SCRIPTS = re.compile(r"script_lang|script_exception|cannot execute \[|painless", re.IGNORECASE)
_NAMES_DENIED = re.compile(rf"\b{DENIED}:|field={DENIED}\b")  # as Lucene names fields


_DEFAULTS = (("explain", False), ("version", False), ("seq_no_primary_term", False), ("track_total_hits", -1))


class Finding(AssertionError):
    """A body that the guard should not have let through, or should have read otherwise."""


def load(engine: HttpEngine, documents: int = len(DOCUMENTS)) -> None:
    """Load the index that bodies run on, and another one that none may read."""
    engine.index(INDEX, MAPPING, [(str(n), document) for n, document in enumerate(DOCUMENTS[:documents])])
    other = [(str(n), {"k": f"{ELSEWHERE}{n}", "t": ELSEWHERE}) for n in range(9)]
    engine.index(OTHER, {"properties": {"k": {"type": "keyword"}, "t": {"type": "text"}}}, other)


class Oracle:
    def __init__(
        self, engine: HttpEngine, *, understands: bool = False, statistics: bool = False, limits: Limits = LIMITS
    ) -> None:
        """`understands`: the engine prints how it understood a body. `statistics`: it tells about its heap."""
        self._engine, self._understands, self._statistics, self._limits = engine, understands, statistics, limits
        self._dialect = engine.capabilities.dialect
        self._live = LiveGuard(limits, {}, self._dialect, Fields.of(MAPPING), partial(bounds, engine, INDEX))
        self.verdicts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.costliest: dict[str, tuple[float, str]] = {}

    def judge(self, text: str) -> str:
        """What became of the body. Raises Finding."""
        verdict = self._judged(text)
        self.verdicts[verdict] += 1
        return verdict

    def _judged(self, text: str) -> str:
        read = strict.read(text)
        body = read.value
        if body is None:
            return "not JSON"
        if guard.check(body, self._limits, dialect=self._dialect) or self._live.errors(body):
            return "guard refused"
        sent = strict.read(self._sent(body)).value
        if list(_walk(sent)) != list(_walk(body)):
            raise Finding(f"what is sent is not what was checked: {self._sent(body)}")
        if self._understands and not self._is_understood(body, None if "fence" in str(read.notes) else text):
            return "engine refused"
        self._explain(body)
        return self._run(body)

    def _is_understood(self, body: dict[str, Any], text: str | None) -> bool:
        """Whether the engine parses the body, and what it understood passes the guard as well."""
        status, understood = self._ask("POST", "/_live/understood", self._sent(body))
        if text is not None:
            raw_status, raw = self._ask("POST", "/_live/understood", text)
            if raw_status == 200 and (status, understood) != (200, raw) and not _has_rounded_number(text):
                raise Finding(f"the engine reads the text as {raw}, and what is sent as {understood}")
        if status != 200:
            self._note(understood)
            return False
        problems = guard.check(_without_defaults(understood), self._limits, dialect=self._dialect)
        if problems:
            raise Finding(f"the engine understands {understood}: {problems[0].message} at {problems[0].pointer}")
        return True

    def _explain(self, body: dict[str, Any]) -> None:
        if "query" in body:
            query = json.dumps({"query": body["query"]})
            status, told = self._ask("POST", f"/{INDEX}/_validate/query?explain=true&rewrite=true", query)
            if status == 200:
                for one in told.get("explanations", []):
                    if one.get("index", INDEX) != INDEX or (one.get("valid") and _NAMES_DENIED.search(str(one))):
                        raise Finding(f"the query reads {one}")
        if self._statistics:
            status, told = self._ask("POST", f"/{INDEX}/_search", json.dumps({**body, "profile": True}))
            if status == 200 and _NAMES_DENIED.search(json.dumps(told["profile"])):
                raise Finding(f"the profile names a denied field: {json.dumps(told['profile'])[:2000]}")

    def _run(self, body: dict[str, Any]) -> str:
        before, began = self._heap(), time.monotonic()
        outcome = self._engine.search(INDEX, body, SECONDS)
        seconds, after = time.monotonic() - began, self._heap()
        reply = json.dumps(outcome.raw)
        self._cost("seconds", seconds, body)
        self._cost("MB of the reply", len(reply) / 2**20, body)
        if before[1] == after[1]:  # no garbage was collected in between
            self._cost("MB of heap", (after[0] - before[0]) / 2**20, body)
        if _SCRIPTS.search(outcome.reason):
            raise Finding(f"a script: {outcome.reason}")
        if re.search(rf"{DENIED}\d", reply) or f'"{ELSEWHERE}' in reply:
            raise Finding(f"the reply has values that may not be read: {reply[:2000]}")
        if outcome.kind is OutcomeKind.UNAVAILABLE and not (outcome.reason == "timed out" and "timeout" in body):
            raise Finding(f"not answered: {outcome.reason}")
        if outcome.kind is not OutcomeKind.OK:
            if "too_many_buckets" in outcome.reason:
                raise Finding(outcome.reason)
            self._note(outcome.raw)
            return "engine refused"
        if any(hit["_index"] != INDEX for hit in outcome.raw["hits"]["hits"]):
            raise Finding("hits of another index")
        counts: Counter[str] = Counter()
        _count(outcome.raw.get("aggregations", {}), "", counts)
        most = max(counts.values(), default=0)
        self._cost("buckets", most, body)
        if most > self._limits.buckets:
            raise Finding(f"{most} buckets")
        return "ran"

    def _cost(self, of: str, amount: float, body: dict[str, Any]) -> None:
        if amount > self.costliest.get(of, (0.0, ""))[0]:
            self.costliest[of] = (round(amount, 3), json.dumps(body))

    def _note(self, reply: Any) -> None:
        error = reply.get("error") if isinstance(reply, dict) else None
        cause = (error.get("root_cause") or [error])[0] if isinstance(error, dict) else {}
        self.reasons[str(cause.get("type"))] += 1

    def _heap(self) -> tuple[int, int]:
        """Bytes in use, and how often garbage was collected."""
        if not self._statistics:
            return 0, 0
        _, told = self._ask("GET", "/_nodes/stats/jvm")
        [node] = told["nodes"].values()
        collected = sum(one["collection_count"] for one in node["jvm"]["gc"]["collectors"].values())
        return node["jvm"]["mem"]["heap_used_in_bytes"], collected

    def _sent(self, body: dict[str, Any]) -> str:
        """The text that the client sends."""
        transport: Any = self._engine._client.transport
        data = transport.serializers.dumps(body, "application/json")
        return data.decode() if isinstance(data, bytes) else str(data)

    def _ask(self, method: str, path: str, text: str | None = None) -> tuple[int, Any]:
        """Status and reply. A connection that the node closes without a reply is a finding if it does so again."""
        for _ in range(2):
            with contextlib.suppress(http.client.RemoteDisconnected):
                return self._ask_once(method, path, text)
            time.sleep(1)
        raise Finding("the node closed the connection twice")

    def _ask_once(self, method: str, path: str, text: str | None) -> tuple[int, Any]:
        data = None if text is None else text.encode("utf-8", "surrogatepass")
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self._engine.settings.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def __str__(self) -> str:
        lines = [f"{self._engine.capabilities}: {dict(self.verdicts)}", f"refused by the engine: {dict(self.reasons)}"]
        lines += [f"{amount} {of}: {body[:600]}" for of, (amount, body) in self.costliest.items()]
        return "\n".join(lines)


def _without_defaults(value: Any) -> Any:
    """Without what the engine prints although the body has it otherwise or not at all."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if inner is not None and (key, inner) not in _DEFAULTS}
        return {key: _without_defaults(inner) for key, inner in kept.items() if key != "flags_value"}
    return [_without_defaults(item) for item in value] if isinstance(value, list) else value


def _has_rounded_number(text: str) -> bool:
    """Whether Python prints a number of the text in another way: -0 is sent as 0, and 1e-400 as 0.0."""
    rounded: list[bool] = []
    json.loads(
        text,
        parse_int=lambda digits: rounded.append(str(int(digits)) != digits),
        parse_float=lambda digits: rounded.append(repr(float(digits)) != digits),
    )
    return any(rounded)


def _walk(value: Any) -> Iterator[tuple[str, str]]:
    """Every key and leaf of a tree in order. `repr` tells 1 from 1.0 and True."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield "key", key
            yield from _walk(inner)
    elif isinstance(value, list):
        yield "list", str(len(value))
        for inner in value:
            yield from _walk(inner)
    else:
        yield "leaf", repr(value)


def _count(level: Any, path: str, counts: Counter[str]) -> None:
    """The buckets of each aggregation in a reply, over all buckets above it."""
    for name, node in level.items() if isinstance(level, dict) else ():
        if isinstance(node, dict):
            buckets = node.get("buckets", [])
            inner = list(buckets.values() if isinstance(buckets, dict) else buckets)
            counts[f"{path}/{name}"] += len(inner)
            for bucket in inner:
                _count(bucket, f"{path}/{name}", counts)
            _count({key: value for key, value in node.items() if key != "buckets"}, f"{path}/{name}", counts)
