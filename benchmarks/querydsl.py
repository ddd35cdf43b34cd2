"""Speed of the Query DSL pack: checking bodies, refusing hostile ones, scoring predictions.

    checking   all layers over the third-party valid bodies, against Python reading the same texts
    refusing   a body of depth 100,000 and a number of 5,000 digits, against a body of everyday size
    scoring    `Task.judge` on predictions, golds known, against the same requests by a plain HTTP client

The predictions are golds of the bundled index, half of them changed by one step (`TestDatabases.mutants`).
Their data is the base index alone, then with small test databases (`task.querydsl.corpora`) too.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measure import Figure, figure, interleaved

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.judging import judge
from dstill.api.protocols import TestDatabases
from dstill.api.records import Draft, Example, Outcome
from dstill_querydsl.engines import Embedded
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

CASES = Path(__file__).parents[2] / "shared" / "cases"
PAIRS = 5
SLICE = 200  # predictions of one pair: five pairs are a thousand of them
WITH_TEST_DATABASES = 20  # where small test databases are made first, a third of a second each
HOSTILE = {
    "depth 100,000": '{"query":' + '{"bool":{"must":[' * 50_000 + "]}}" * 50_000 + "}",
    "5,000 digits": '{"size":' + "9" * 5_000 + "}",
}
EVERYDAY = '{"query":{"bool":{"filter":[{"term":{"level":"error"}},{"range":{"n":{"gte":1}}}]}},"size":5}'


def figures() -> Iterable[Figure]:
    yield from _checking()
    yield from _refusing()
    yield _scoring(n_databases=0, each=SLICE)
    yield _scoring(n_databases=5, each=WITH_TEST_DATABASES)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _checks(task: QueryDsl, example: Example, texts: Sequence[str]) -> Callable[[], float]:
    def run() -> float:
        return _seconds(lambda: [tuple(find_problems(task, example, Draft(answer=text))) for text in texts])

    return run


def _checking() -> Iterable[Figure]:
    if not CASES.is_dir():
        return
    rows = (CASES / "dsl_valid.jsonl").read_text().splitlines()
    texts = [json.dumps(json.loads(row)["query"]) for row in rows]
    mapping = json.loads((CASES / "corpora" / "gharchive.json").read_text())["mapping"]
    example = Example(id="1", question="", context={"mapping": mapping})
    checks = _checks(QueryDsl(), example, texts)
    measured = interleaved(checks, lambda: _seconds(lambda: [json.loads(text) for text in texts]), PAIRS)
    each = statistics.median(mine for mine, _ in measured) / len(texts)
    note = f"{1 / each:,.0f} bodies/s, the bar is 500; all layers over {len(texts)} bodies, against json.loads of them"
    yield figure("check", measured, note)


def _refusing() -> Iterable[Figure]:
    task, example = QueryDsl(), Example(id="1", question="")
    everyday = _checks(task, example, [EVERYDAY])
    for name, text in HOSTILE.items():
        assert any(problem.is_error for problem in find_problems(task, example, Draft(answer=text)))
        measured = interleaved(_checks(task, example, [text]), everyday, PAIRS)
        slowest = max(mine for mine, _ in measured)
        yield figure(f"refuse {name}", measured, f"{slowest * 1e3:.3f} ms at most, the bar is 50; against a plain body")


# --- scoring ----------------------------------------------------------------------------

Prediction = tuple[Example, str]
Sent = list[tuple[str, Mapping[str, Any]]]


def _scoring(n_databases: int, each: int) -> Figure:
    """Of `each` predictions a pair; test databases are made while judging, as in an evaluation."""
    task = QueryDsl(Settings(corpora=n_databases, n_questions=1_500))
    predictions = _predictions(task, PAIRS * each)
    slices = [predictions[start : start + each] for start in range(0, len(predictions), each)]
    with Embedded().open(task, Engine()) as executor:
        for example, _ in predictions:
            judge(task, example, Draft(answer=example.answer or ""), executor)  # the golds are known from here on
        measured = [_measure_pair(task, executor, slice_) for slice_ in slices]
    seconds = 1_000 * sum(mine for mine, _ in measured) / len(predictions)
    data = (
        f"making and loading up to {n_databases} test databases"
        if n_databases
        else "the base index alone, ratio to be at most 1.3"
    )
    note = f"{seconds:.1f} s for 1,000 predictions, the bar is 20 s; {data}; against the same requests, plainly sent"
    return figure("score with test databases" if n_databases else "score", measured, note)


def _predictions(task: QueryDsl, n: int) -> list[Prediction]:
    draw = random.Random(7)
    golds = [
        e for split in ("test", "train") for e in task.examples(split) if e.answer and not task.is_refusal(e.answer)
    ]
    return [(example, _prediction(task, example, draw)) for example in itertools.islice(itertools.cycle(golds), n)]


def _prediction(task: QueryDsl, example: Example, draw: random.Random) -> str:
    gold = example.answer or ""
    if draw.random() < 0.5:
        return gold
    others = list(itertools.islice(TestDatabases.of(task).mutants(example), 12))
    return draw.choice(others).answer if others else gold


def _measure_pair(task: QueryDsl, executor: Embedded, predictions: Sequence[Prediction]) -> tuple[float, float]:
    """Seconds of judging, and of sending the requests that it sent once more, by a plain client."""
    sent: Sent = []
    search = executor.server.search

    def recorded(index: str, body: Mapping[str, Any], timeout: float | None = None) -> Outcome:
        sent.append((index, body))
        return search(index, body, timeout)

    executor.server.search = recorded  # type: ignore[method-assign]
    try:
        ours = _seconds(lambda: [judge(task, example, Draft(answer=text), executor) for example, text in predictions])
    finally:
        executor.server.search = search  # type: ignore[method-assign]
    return ours, _seconds(lambda: _send_plainly(executor.server.settings.url, sent))


def _send_plainly(url: str, sent: Sent) -> None:
    """Send the same requests over one open connection and read each reply."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    parameters = "timeout=30000ms&allow_partial_search_results=false"
    for index, body in sent:
        headers = {"content-type": "application/json"}
        connection.request("POST", f"/{index}/_search?{parameters}", json.dumps(body), headers)
        json.loads(connection.getresponse().read())
    connection.close()
