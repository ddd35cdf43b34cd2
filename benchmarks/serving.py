"""Serving: questions a second of 16 clients at once, against the same questions one after the other.

    python -m benchmarks serve

The student is `tiny` in its own size, trained until it knows a few questions by heart, so that its answers
are as long as golds are; a batch takes as long as its longest answer, and one that never ends holds up all of it. It is
behind `dstill serve` in a process of its own; it answers about `weblogs`, and nothing is run.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.measure import Figure, figure, interleaved

from dstill import config, plugins
from dstill.runs.run import Run
from dstill_finetune.tiny import Tiny

CLIENTS = 16
QUESTIONS = 128  # of one measurement
PAIRS = 5


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as place:
        run = trained(Path(place) / "served")
        yield measured(run.folder, [record.question for record in run.records("train")])


def trained(folder: Path) -> Run:
    """A run whose student has seen a little about `weblogs`, often."""
    loaded = plugins.load()
    flags = {
        **Tiny.recipe,
        "train.student": Tiny.name,
        "project.task": "querydsl",
        "generate.execute": "none",
        "task.querydsl.n_questions": 120,
        "train.max_steps": 400,
        "train.per_device_train_batch_size": 16,
        "train.test_largest_batch": False,
        "train.report_to": "none",
        "evaluate.baselines": [],
        "review.required": "never",
    }
    made = config.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
    run = Run.create(folder, config=made, plugins=loaded)
    run.generate()
    run.train()
    return run


def measured(folder: Path, questions: Sequence[str]) -> Figure:
    command = [sys.executable, "-m", "dstill", "serve", str(folder), "--port", "0", "--no-execute", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["address"].rpartition(":")[2])
        chosen = [questions[n * 7 % len(questions)] for n in range(QUESTIONS)]
        times = interleaved(_seconds_to_answer(port, chosen, 1), _seconds_to_answer(port, chosen, CLIENTS), PAIRS)
        process.send_signal(signal.SIGTERM)
    rates = [QUESTIONS / statistics.median(each) for each in zip(*times, strict=True)]
    note = f"{rates[1]:.1f} answers a second against {rates[0]:.1f} one after the other; the bar is 3"
    return figure(f"answers/s of {CLIENTS} clients, of one at a time", times, note)


def _seconds_to_answer(port: int, questions: Sequence[str], clients: int) -> Callable[[], float]:
    """Seconds until so many clients, each with a connection that it keeps, have asked all questions."""

    def ask(own: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        for question in own:
            connection.request(
                "POST", "/v1/query", json.dumps({"question": question}), {"content-type": "application/json"}
            )
            reply = connection.getresponse()
            text = reply.read()
            assert reply.status == 200, text
        connection.close()

    def run() -> float:
        threads = [threading.Thread(target=ask, args=(questions[n::clients],)) for n in range(clients)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - started

    return run
