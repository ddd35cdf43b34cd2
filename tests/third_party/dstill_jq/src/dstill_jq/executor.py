"""Runs jq programs in a process of its own, because nothing stops libjq from inside."""

import json
import select
import sys
import threading
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Self

from dstill.api import Engine, Example, Executor, Outcome, OutcomeKind, Task
from dstill_jq.questions import document

WORKER = (sys.executable, "-P", str(Path(__file__).with_name("worker.py")))


class Jq(Executor):
    """libjq, with limits of time and memory."""

    name = "libjq"
    distributions = ("jq",)
    _process: Popen[str] | None = None

    def open(self, task: Task, engine: Engine) -> Self:
        self._lock = threading.Lock()
        return super().open(task, engine)

    def execute(self, answer: str, example: Example) -> Outcome:
        database = example.context.get("test_database")
        rows = database.data["rows"] if database else document(example.context["document"])
        with self._lock:
            reply = self._ask(json.dumps([answer, rows]))
        if isinstance(reply, str):
            return Outcome(kind=OutcomeKind.INVALID, reason=reply)
        return Outcome(kind=OutcomeKind.OK, value=reply)

    def _ask(self, line: str) -> Any:
        """The results, or the text of an error."""
        if self._process is None:
            self._process = Popen(WORKER, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True)
        print(line, file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], self.engine.timeout)[0]:
            self.close()
            return f"stopped after {self.engine.timeout} seconds"
        if not (reply := self._process.stdout.readline()):
            self.close()
            return "jq ended, probably for lack of memory"
        return json.loads(reply)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
