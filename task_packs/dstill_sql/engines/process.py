"""An engine in a process of its own, which ends if a query takes too long or too much memory.

    process = EngineProcess("sqlite", seconds=5.0, memory_mb=1_000)
    process.make("trips", InMemory(steps=[run(created(table, "sqlite")), fill(filled(table, "sqlite"), [["Ann"]])]))
    process.fetch("trips", printed(query, "sqlite"), 100)        (["name"], [["Ann"]])
    process.close()

It starts with the first request, and again with the first one after it ended. It keeps the last databases that it was
given: `has` says whether one is still there. One thread at a time may use it; a `Pool` has one for each thread.

What runs there is not trusted, since a file may be made to take the engine over: its messages are data, they are
bounded, and their form is checked (`dstill_sql.engines.frames`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dstill.errors import ServiceError, needs
from dstill_sql.engines import steps
from dstill_sql.engines.frames import BrokenMessage, TooLong, receive, send
from dstill_sql.engines.serving import GRACE
from dstill_sql.engines.steps import Step
from dstill_sql.engines.watch import Stopped, Watch

if TYPE_CHECKING:
    from dstill_sql.language.engine_text import Statement

__all__ = ["ENGINES", "Crashed", "EngineError", "EngineProcess", "Fetched", "InMemory", "Name", "Pool", "Stopped"]

Name = Literal["sqlite", "duckdb"]
Fetched = tuple[list[str], list[list[Any]]]  # columns, rows
ENGINES: Mapping[Name, str] = {"sqlite": "SQLite", "duckdb": "DuckDB"}

LOAD_SECONDS = 60.0  # seconds in which a database is opened or filled
_CACHE_SIZE = 36  # databases of a process; one of DuckDB takes 4 to 11 MB
_CONFIRMED_SIZE = 4096  # queries that DuckDB's parser has read
_MEGABYTE = 2**20
_WORKER = Path(__file__).with_name("worker.py")
_MEMORY_TEXT = "it needs more memory than it may have"
_END = 2.0  # seconds for the process to end by itself
_CELLS = (str, int, float, bool, type(None))
# All else of the environment may be a secret.
_VARIABLES = (
    "TZ",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PATH",
    "TMPDIR",
)
# Ctrl-C at a terminal is for dstill, which then ends the process.
_OWN_GROUP: dict[str, Any] = {"process_group": 0}
if sys.platform == "win32":
    _OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


class EngineError(Exception):
    """The engine refuses a text. `of_file`: the database is at fault: it is locked, damaged or gone."""

    def __init__(self, message: str, *, of_file: bool = False) -> None:
        super().__init__((message.splitlines() or ["unknown error"])[0])
        self.of_file = of_file


class Crashed(EngineError):
    """The process ended. `of_file`: somebody else ended it, so that it says nothing about the query."""


@dataclass(frozen=True, kw_only=True)
class InMemory:
    """A database in memory."""

    steps: Sequence[Step]  # that create its tables and fill them
    sealed: bool = False  # it only reads from then on
    ticks: int = 0  # steps of SQLite's virtual machine, after which it stops a query; 0: it counts none


class EngineProcess:
    """The process. Raises EngineError, Stopped and MemoryError, and ServiceError where it cannot start."""

    def __init__(self, engine: Name, *, seconds: float, memory_mb: int) -> None:
        self.engine, self.seconds, self.memory_mb = engine, seconds, memory_mb
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._confirmed: OrderedDict[Statement, None] = OrderedDict()
        self.cpu = 0.0  # seconds that all requests took of a processor
        self._watch = Watch()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Any = None
        self._owner = 0

    # --- databases --------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Whether it holds the database."""
        if not self._is_alive() or key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def open(self, key: str, path: Path, *, describes: bool = False) -> None:
        """Open a file, only to read. `describes`: dstill asks what is in it."""
        target = path.absolute().as_uri() if self.engine == "sqlite" else str(path.absolute())
        self._hold(key, {"do": "open", "key": key, "path": target, "describes": describes})

    def make(self, key: str, database: InMemory) -> None:
        """Make a database in memory."""
        self._hold(key, {"do": "make", "key": key, **vars(database)})

    def forget(self, key: str) -> None:
        """Close a database."""
        if self._is_alive() and key in self._keys:
            self.ask([{"do": "close", "key": key}])
        self._keys.pop(key, None)

    def _hold(self, key: str, step: Mapping[str, Any]) -> None:
        self._start()
        old = [next(iter(self._keys))] if len(self._keys) >= _CACHE_SIZE else []
        for name in old:
            del self._keys[name]
        self.ask([*({"do": "close", "key": name} for name in old), step], seconds=LOAD_SECONDS)
        self._keys[key] = None

    # --- queries ----------------------------------------------------------------------------

    def fetch(self, key: str, query: Statement, most: int, values: Sequence[Any] = ()) -> Fetched:
        """The columns of a query, and its first `most` rows. Raises NotPrintable, too."""
        self.confirm(key, query)
        return self.ask([{"key": key, **steps.fetch(query, most, values)}])

    def plan(self, key: str, query: Statement) -> None:
        """Plan a query, and do not run it. Raises NotPrintable, too."""
        self.confirm(key, query)
        self.ask([{"key": key, **steps.plan(query)}])

    def confirm(self, key: str, query: Statement) -> None:
        """Have DuckDB's own parser read a query. Raises NotPrintable if it reads another one than sqlglot.

        SQLite's reads it when it runs: its authorizer gets the names that it may read.
        """
        if self.engine != "duckdb" or query.tree is None or query in self._confirmed:
            return
        from dstill_sql.engines.parsers.duckdb import duckdb_reading
        from dstill_sql.engines.parsers.reading import confirm

        _, [[tree]] = self.ask([{"key": key, **steps.serialized(query)}])
        confirm(query, duckdb_reading(str(tree)))
        self._confirmed[query] = None
        if len(self._confirmed) > _CONFIRMED_SIZE:
            self._confirmed.popitem(last=False)

    def ask(self, requests: Sequence[Step], *, seconds: float | None = None) -> Fetched:
        """Run steps (`dstill_sql.engines.serving`) and give what the last one finds."""
        process, limit = self._start(), self.seconds if seconds is None else seconds
        if self._lacks(requests):  # it was ended since `has`
            raise Crashed(f"{ENGINES[self.engine]} broke off: it holds the database no more", of_file=True)
        most = max((step.get("most", 0) for step in requests), default=0)
        try:
            with self._watch.over(process.kill, limit + 2 * GRACE):
                send(_number(process.stdin), {"seconds": limit, "steps": requests})
                answer, rows = self._received(process, most)
        except Stopped:
            self._stop()
            raise _stopped(limit) from None
        except (BrokenMessage, OSError) as error:
            raise self._crash(error, limit) from None
        except BaseException:  # Ctrl-C: what comes next would be the answer to this request
            self._stop()
            raise
        if "error" in answer:
            self._fail(answer["error"], answer["message"], limit)
        self.cpu += answer["cpu"]
        return answer["columns"], rows

    def _lacks(self, requests: Sequence[Step]) -> bool:
        """Whether the requests are about a database that the process does not hold."""
        made = {step["key"] for step in requests if step["do"] in ("make", "open", "close")}
        return any(step["key"] not in self._keys and step["key"] not in made for step in requests)

    def _received(self, process: subprocess.Popen[bytes], most: int) -> tuple[dict[str, Any], list[list[Any]]]:
        """The last message, and all rows. Raises BrokenMessage where their form is wrong, MemoryError."""
        left = 2 * self.memory_mb * _MEGABYTE  # JSON may be longer than what the process counts
        rows: list[list[Any]] = []
        while True:
            assert process.stdout is not None
            answer, length = receive(process.stdout, left)
            left -= length
            if not isinstance(answer, dict):
                raise BrokenMessage
            rows += _rows(answer.get("rows", []))
            if len(rows) > most:
                raise BrokenMessage
            if len(answer) > 1:
                _check(answer, rows)
                return answer, rows

    def _fail(self, kind: str, message: str, limit: float) -> None:
        """Raise what an answer of the process says."""
        if kind == "stopped":
            raise _stopped(limit)
        if kind == "memory":
            self._stop()  # a library that got none may not be whole
            raise MemoryError(_MEMORY_TEXT)
        if kind == "missing":
            self._stop()
            raise ServiceError(f"{ENGINES[self.engine]} cannot start: {message}")
        raise EngineError(message, of_file=kind == "file")

    def _crash(self, error: Exception, limit: float) -> Exception:
        """The error of a process that ended."""
        process = self._process
        if isinstance(error, TooLong):
            self._stop()
            return MemoryError(_MEMORY_TEXT)
        code = 0
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(_END)
        self._stop()
        if hasattr(signal, "SIGALRM") and code == -signal.SIGALRM:
            return _stopped(limit)
        if code == -signal.SIGABRT:  # a library that does not expect to get no memory
            return MemoryError(_MEMORY_TEXT)
        why = signal.Signals(-code).name if code < 0 else "its answer cannot be read"
        return Crashed(f"{ENGINES[self.engine]} broke off: {why}", of_file=code in (-9, -signal.SIGTERM, 0))

    # --- the process ------------------------------------------------------------------------

    def start(self) -> None:
        """Start it before the first request, while something else is done. Raises ServiceError."""
        self._start()

    def close(self) -> None:
        """End it."""
        self._stop(gently=True)
        self._watch.close()

    def _is_alive(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._is_alive():
            return self._process
        self._stop()
        settings = {
            "engine": self.engine,
            "memory_mb": self.memory_mb,
            "folder": _folder(self.engine),
            "functions": _functions() if self.engine == "sqlite" else [],
        }
        command = [sys.executable, "-I", "-S", str(_WORKER), json.dumps(settings)]
        variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**variables, "MALLOC_ARENA_MAX": "1"},  # each takes 64 MB of the addresses that are limited
                **_OWN_GROUP,
            )
        except OSError as error:
            raise ServiceError(f"cannot start a process for {ENGINES[self.engine]}: {error}") from None
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _end, self._process, self._owner)
        return self._process

    def _stop(self, *, gently: bool = False) -> None:
        """End the process. `gently`: let it close its databases."""
        self._keys.clear()
        process, self._process = self._process, None
        if process is None:
            return
        if gently and self._owner == os.getpid():
            with contextlib.suppress(OSError):
                _close(process.stdin)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END)
        self._end()


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kill a process that this one started, and close its pipes. Also at the end of the program."""
    if owner == os.getpid():
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            _close(stream)


class Pool:
    """Processes of one engine that threads share: each has one for itself, and at most `most` work at a time."""

    def __init__(self, engine: Name, *, seconds: float, memory_mb: int, most: int = 4) -> None:
        self._given: dict[str, Any] = {"engine": engine, "seconds": seconds, "memory_mb": memory_mb}
        self._idle: list[EngineProcess] = []
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def taken(self) -> Iterator[EngineProcess]:
        """A process that no other thread uses."""
        with self._free:
            try:
                process = self._idle.pop()  # the last one used
            except IndexError:
                process = EngineProcess(**self._given)
            try:
                yield process
            finally:
                self._idle.append(process)

    def close(self) -> None:
        """End the processes that are not in use."""
        while self._idle:
            self._idle.pop().close()


def _stopped(seconds: float) -> Stopped:
    return Stopped(f"it takes more than {seconds:g} s")


def _folder(engine: Name) -> str:
    """The folder that has the engine's library. Raises MissingExtra."""
    if engine == "sqlite":
        return ""
    with needs("the executor duckdb", "sql"):
        spec = find_spec("duckdb")
        if spec is None or not spec.origin:
            raise ModuleNotFoundError(name="duckdb")
    return str(Path(spec.origin).parents[1])


def _functions() -> list[str]:
    """The functions that SQLite may call for an answer."""
    from dstill_sql.engines.parsers.names import NAMES

    return sorted(NAMES["sqlite"]["functions"])


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BrokenMessage
    return rows


def _check(answer: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> None:
    """Whether the last message is an error, or fits its rows. Raises BrokenMessage."""
    if "error" in answer:
        if not isinstance(answer["error"], str) or not isinstance(answer.get("message"), str):
            raise BrokenMessage
        return
    columns = answer.get("columns")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise BrokenMessage
    if not isinstance(answer.get("cpu"), float):
        raise BrokenMessage
    width = len(columns)
    if not all(len(row) == width and all(isinstance(value, _CELLS) for value in row) for row in rows):
        raise BrokenMessage


def _number(stream: Any) -> int:
    number: int = stream.fileno()
    return number


def _close(stream: Any) -> None:
    if stream is not None:
        stream.close()
