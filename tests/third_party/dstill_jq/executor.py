"""Runs jq programs in a process of its own, because nothing stops libjq from inside: a line of JSON in, a line out."""

import json
import resource
import select
import subprocess
import sys
import threading
from typing import Any, Self

import jq
from dstill.api import Engine, Example, Executor, Outcome, OutcomeKind, Task

from dstill_jq.questions import document

MEMORY, LONGEST = 1 << 30, 1 << 20  # bytes of the process, characters of a result


class Jq(Executor):
    """libjq, with limits of time and memory."""

    name = "libjq"
    distributions = ("jq",)

    def open(self, task: Task, engine: Engine) -> Self:
        self._lock, self._process = threading.Lock(), None
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
            command, pipe = [sys.executable, "-m", __name__], subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
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


def serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        answer, rows = json.loads(line)
        try:
            text = jq.compile(answer).input_value(rows).text()
            reply = f"[{text.replace(chr(10), ',')}]" if len(text) < LONGEST else '"the result is too long"'
        except (ValueError, MemoryError) as error:
            reply = json.dumps(str(error) or "out of memory")
        print(reply, flush=True)


if __name__ == "__main__":
    serve()
