"""What is logged is inert: for every logger of dstill, plugins and packs, and for whoever handles the records."""

from __future__ import annotations

import ast
import importlib
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import execnet
import pytest
from support.inert import HOSTILE, READABLE, hidden

from dstill.io.logs import log
from dstill.io.secrets import Secret

FOLDERS = ("core", "plugins", "task_packs")
HOME = "dstill.io.logs"
# Loggers of other libraries, which dstill only makes quieter or listens to.
OTHERS = {"bitsandbytes", "opentelemetry", "ray.data", "sqlglot", "torch._subclasses.fake_tensor"}
WRITERS = {"critical", "debug", "error", "exception", "fatal", "info", "log", "warn", "warning"}
ROOT = Path(__file__).parents[2]
SOURCES = {
    ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}


@pytest.fixture
def shown() -> Iterator[StringIO]:
    """What the handler of a program that uses dstill writes: one of the root logger, with the formatter of Python."""
    text, root, level = StringIO(), logging.getLogger(), log.level
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        log.setLevel(level)


def assert_inert(text: str) -> None:
    assert not hidden(text), hidden(text)
    execnet.dumps(text)  # what a worker of pytest-xdist does with it


# --- every logger -----------------------------------------------------------------------


def test_code_asks_for_no_other_logger_than_the_inert_one() -> None:
    asked: dict[str, set[str]] = {}
    for module, path in SOURCES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called.endswith(("getLogger", "getChild", "LoggerAdapter", "setLogRecordFactory", "setLoggerClass")):
                asked.setdefault(module, set()).add(ast.unparse(node))
            assert called not in {f"logging.{name}" for name in WRITERS}, f"{module} logs to the root logger"
    assert asked.pop(HOME) == {"logging.getLogger('dstill')"}
    assert {call for calls in asked.values() for call in calls} == {f"logging.getLogger('{name}')" for name in OTHERS}


def loggers() -> Iterator[tuple[str, logging.Logger]]:
    """The loggers that modules hold, by module."""
    for module, path in SOURCES.items():
        if HOME in (text := path.read_text(encoding="utf-8")) or "getLogger" in text:
            for value in vars(importlib.import_module(module)).values():
                if isinstance(value, logging.Logger):
                    yield module, value


def test_every_logger_makes_hostile_text_inert(shown: StringIO) -> None:
    modules = set()
    for module, logger in loggers():
        modules.add(module)
        shown.seek(0)
        shown.truncate()
        logger.warning("%s of %r", HOSTILE, module)
        logger.error(HOSTILE)
        try:
            raise ValueError(HOSTILE)
        except ValueError as error:
            logger.exception("%s", HOSTILE, stack_info=True)
            logger.warning("%s", error, exc_info=error)
        assert shown.getvalue().count("[bold]b[/bold]") == 6, module
        assert_inert(shown.getvalue())
    assert len(modules) > 30
    assert {"dstill.api.faults", "dstill_openai.teacher", "dstill_querydsl.engines.http"} <= modules


# --- the record -------------------------------------------------------------------------


def test_pytest_reports_inert_text(caplog: pytest.LogCaptureFixture) -> None:
    """Pytest's handlers see a record before those of dstill, and a worker of pytest-xdist sends what they keep."""
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("%s", HOSTILE)
    assert_inert(caplog.text)
    assert_inert(caplog.messages[0])
    assert_inert(caplog.records[0].msg)
    assert caplog.records[0].exc_info  # the exception itself stays, for programs that collect exceptions


def test_line_breaks_cannot_fake_an_entry(shown: StringIO) -> None:
    try:
        raise ValueError("gone\nERROR forged")
    except ValueError:
        log.exception("one\nERROR forged")
    first, *further = shown.getvalue().splitlines()
    assert first == "ERROR one"
    assert all(line.startswith("    ") for line in further)
    assert further[:2] == ["    ERROR forged", "    Traceback (most recent call last):"]
    assert further[-2:] == ["    ValueError: gone", "    ERROR forged"]


def test_secrets_are_masked(shown: StringIO) -> None:
    Secret("a-marked-key-0123456789")
    log.warning("sent %s", "a-marked-key-0123456789")
    assert shown.getvalue() == "WARNING sent ***\n"


def test_readable_text_and_percent_signs_stay(shown: StringIO) -> None:
    log.warning("%s: 5 %% of %s", READABLE, "100 %s")
    assert shown.getvalue() == f"WARNING {READABLE}: 5 % of 100 %s\n"


def test_record_is_made_inert_once() -> None:
    """The log file and the console filter what a logger of a plugin, below dstill's, has sent them."""
    from dstill.io.logs import inert

    record = logging.LogRecord("dstill.mine", logging.INFO, __file__, 1, "a\n%s", ("\x1b",), None)
    assert inert(record)
    assert inert(record)
    assert record.getMessage() == "a\n    \\u001b"


def test_loggers_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("another").warning("%s", "a\x1b\nb")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%s", ("a\x1b\nb",))
    assert logging.getLoggerClass() is logging.Logger
    assert logging.getLogRecordFactory() is logging.LogRecord


def test_message_that_does_not_fit_its_arguments_is_left_to_the_handlers(
    shown: StringIO, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise LookupError("no text")

    monkeypatch.setattr(logging, "raiseExceptions", True)
    handler = logging.StreamHandler(StringIO())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    log.warning("%s", Unprintable())
    assert "--- Logging error ---" in capsys.readouterr().err
