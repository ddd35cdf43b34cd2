"""A soak: 16 clients at once, one request in twenty bad, clients that hang up, an engine that goes away and comes back.

    DSTILL_SOAK_SECONDS=600 DSTILL_SOAK_RUN=runs/mine pytest -m slow -s tests/plugins/dstill_serve/test_soak.py

Nothing hangs, every request that waits for one has an answer of a kind that it can have, and memory stays flat. The run
is the demo's unless another one of the Query DSL is named; its answers are run on a server behind `EngineProxy`.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.engine_proxy import EngineProxy, reset, slow
from support.sizes import size

from dstill.io.jsonl import read_rows

SECONDS = size("SOAK_SECONDS", ci=40, nightly=60)
RUN = os.environ.get("DSTILL_SOAK_RUN", "")
CLIENTS = 16
BAD, DISCONNECTS, STREAMS, EXPLAINS = 0.05, 0.03, 0.15, 0.05  # shares of the requests
TIMEOUT = 120  # timeout of a request in seconds: two batches may take more than 30 on a busy machine
GROWTH = 0.05  # of memory, from the middle third of the answers to the last third


@dataclass
class Observed:
    """What the clients observed."""

    answers: Counter[str] = field(default_factory=Counter)  # "query 200"
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0
    gone: int = 0
    # MiB after each answer: measured over time, warm-up on a slow machine would reach the last third
    memory: list[float] = field(default_factory=list)


def bad_request(rng: random.Random) -> tuple[str, bytes | str, dict[str, str], set[int]]:
    """An invalid request: path, body, headers and expected statuses."""
    own = {"content-type": "application/json"}
    return rng.choice(
        [
            ("/v1/query", '{"question": ', own, {400}),
            ("/v1/query", '{"question": "a\\u0000b"}', own, {400}),
            ("/v1/query", json.dumps({"question": "x" * 5000}), own, {400}),
            ("/v1/query", json.dumps({"question": "x" * 300_000}), own, {413}),
            ("/v1/query", '{"question": "a", "model": "none"}', own, {404}),
            ("/v1/query", '{"question": "a", "index": "none"}', own, {404}),
            ("/v1/query", b"\xff\xfe", own, {400}),
            ("/v1/query", "question=a", {"content-type": "application/x-www-form-urlencoded"}, {415}),
            ("/v1/chat/completions", '{"messages": []}', own, {400}),
            ("/v1/nothing", "{}", own, {404}),
        ]
    )


def good_request(rng: random.Random, question: str, model: str) -> tuple[str, str, set[int]]:
    """A question: path, body and expected statuses."""
    if rng.random() < STREAMS:
        messages = [{"role": "user", "content": question}]
        body = {"model": model, "messages": messages, "stream": rng.random() < 0.5}
        return "/v1/chat/completions", json.dumps(body), {200, 422}
    execute = rng.random() < 0.5
    body = {"question": question, "execute": execute, "explain": rng.random() < EXPLAINS}
    return "/v1/query", json.dumps(body), {200, 503} if execute else {200}


def client(
    served: Any, seed: int, questions: list[str], model: str, end: float, observed: Observed, lock: threading.Lock
) -> None:
    rng = random.Random(seed)
    while time.monotonic() < end:
        headers = {"content-type": "application/json"}
        wrong = rng.random() < BAD
        if wrong:
            path, body, headers, expected = bad_request(rng)
        else:
            path, body, expected = good_request(rng, rng.choice(questions), model)
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=3 * TIMEOUT)
        began = time.monotonic()
        try:
            connection.request("POST", path, body, headers)
            if not wrong and rng.random() < DISCONNECTS:
                time.sleep(rng.random() * 0.2)
                connection.close()
                with lock:
                    observed.gone += 1
                continue
            reply = connection.getresponse()
            text = reply.read()
        except Exception as error:
            with lock:
                observed.wrong.append(f"{path}: {error!r}")
            continue
        finally:
            connection.close()
        with lock:
            observed.answers[f"{'bad' if wrong else path.rpartition('/')[2]} {reply.status}"] += 1
            observed.slowest = max(observed.slowest, time.monotonic() - began)
            observed.memory.append(memory_of(served.process.pid))
            whole = text.endswith(b"[DONE]\n\n") if b"data: " in text[:6] else isinstance(json.loads(text), dict)
            if reply.status not in expected or not whole:
                observed.wrong.append(f"{path} {reply.status}: {text[:300]!r}")


def memory_of(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


UNAVAILABLE = reset(0)


def engine_states() -> Iterator[tuple[float, Any]]:
    """Engine states, each with its share of the time."""
    while True:
        yield from ((0.10, None), (0.03, UNAVAILABLE), (0.10, None), (0.02, slow(2.0)))


if RUN:

    @pytest.fixture
    def folder() -> Path:
        return Path(RUN).absolute()

else:

    @pytest.fixture
    def folder(demo: Any, tmp_path: Path) -> Path:
        """A copy of the demo run, which other tests read."""
        return shutil.copytree(demo.folder, tmp_path / "run")


@pytest.mark.nightly
def test_server_survives_a_soak(
    folder: Path, serve: Callable[..., Any], wait_for: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dstill_querydsl.engines import EmbeddedServer

    monkeypatch.delenv("DSTILL_DISABLE")
    texts = [row["question"] for _, row in read_rows(folder / "dataset" / "data" / "test.jsonl")]
    observed, lock = Observed(), threading.Lock()
    with EmbeddedServer.start() as node, EngineProxy(node.url) as proxy:
        words = ("--engine-url", proxy.url, "--set", "engine.load_data=true", "--timeout", TIMEOUT)
        words += ("--request-log", "requests.jsonl")
        served = serve(folder, *words, "--json", plugin=False)
        runs = next(text for text in texts if served.query(text, execute=True).json.get("outcome") == "ok")
        end = time.monotonic() + SECONDS
        threads = [
            threading.Thread(target=client, args=(served, seed, texts, folder.name, end, observed, lock), daemon=True)
            for seed in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for share, fault in engine_states():
            proxy.always("", fault)
            proxy.asked.clear()
            over = time.monotonic() + share * max(SECONDS, 60)
            # a batch may outlast an outage, so the outage lasts until a client has seen it
            while (now := time.monotonic()) < end and (
                now < over or (fault is UNAVAILABLE and not observed.answers["query 503"])
            ):
                time.sleep(0.2)
            if time.monotonic() >= end:
                break
        proxy.always("", None)
        for thread in threads:
            thread.join(4 * TIMEOUT)
        hanging = sum(thread.is_alive() for thread in threads)
        wait_for(lambda: served("GET", "/healthz").json["inside"] == 0)  # disconnected clients may be in the last batch
        health, metrics = served("GET", "/healthz"), served("GET", "/metrics").text
        last = served.query(runs, execute=True)
        code, out, err = served.ended(by=signal.SIGTERM)
    thirds = [statistics.median(part) for part in _thirds(observed.memory)]
    report = {
        "seconds": SECONDS,
        "answers": dict(sorted(observed.answers.items())),
        "gone": observed.gone,
        "hanging": hanging,
        "slowest": round(observed.slowest, 2),
        "memory_mib": [round(value, 1) for value in (observed.memory[0], *thirds, observed.memory[-1])],
        "batches": re.findall(r"dstill_batch_size_(?:sum|count) \S+", metrics),
    }
    print(json.dumps(report))
    assert observed.wrong == []
    assert hanging == 0
    assert (health.status, health.json["model"], health.json["inside"]) == (200, "ready", 0)
    assert (last.status, last.json["outcome"]) == (200, "ok")  # the engine is back
    assert observed.answers["query 200"]
    assert observed.answers["query 503"]  # of those whose answer was to be run while the engine was away
    assert observed.slowest < 2 * TIMEOUT
    assert thirds[2] <= thirds[1] * (1 + GROWTH)
    assert (code, "bug" in err) == (0, False)
    assert json.loads(out.splitlines()[-1])["signal"] == "SIGTERM"
    log = [row for _, row in read_rows(Path("requests.jsonl"))]
    assert len(log) >= sum(observed.answers.values())
    assert not any("question" in row or "answer" in row for row in log)


def _thirds(values: list[float]) -> list[list[float]]:
    third = max(1, len(values) // 3)
    return [values[:third], values[third : 2 * third], values[2 * third :]]
