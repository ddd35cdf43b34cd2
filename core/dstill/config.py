"""Configuration: dstill.toml, the environment and flags, merged and checked, each value with its origin.

    flag  >  environment  >  file  >  default
    --seed 7   DSTILL_PROJECT__SEED=7   [project] seed = 7

Goes in: a file's path, the environment, flags by dotted key, and the sections that parts
bring (``task.sql`` → its Config). Comes out: `Config`, whose `settings` are the
core's own sections and whose `part` gives a part's. Every key is a field of a dataclass;
an unknown one, a wrong type or a value out of range is an error, never ignored. A key that moved keeps working under
its old name, with a warning, where its field says ``{"was": "old.key"}`` in its metadata.
"""

from __future__ import annotations

import collections.abc
import copy
import dataclasses
import json
import logging
import math
import os
import re
import sys
import tomllib
import typing
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Callable, Iterable, Literal, Mapping

from dstill.api.engine import Engine
from dstill.api.recipe import Recipe
from dstill.api.splits import FORMER_SPLITS
from dstill.errors import ConfigError, RunError
from dstill.io import toml
from dstill.io.plain_files import bounded
from dstill.io.secrets import is_variable
from dstill.io.shell import command
from dstill.io.urls import checked_url

__all__ = [
    "Config",
    "Evaluate",
    "Generate",
    "Project",
    "Review",
    "Settings",
    "as_toml",
    "assignment",
    "command_line",
    "fields",
    "load",
    "looks_secret",
    "masked",
    "parse_assignment",
    "variable",
    "wanted_of",
]

log = logging.getLogger("dstill")

FILE = "dstill.toml"
PARTS = (
    "task",
    "teacher",
    "student",
    "modality",
    "objective",
    "executor",
    "metric",
    "baseline",
)  # [teacher.NAME] and so on
# Read by dstill itself, so no configuration keys.
RESERVED = ("DSTILL_DISABLE", "DSTILL_TRACE_HOOKS", "DSTILL_REQUIRE_LIVE")
_UNSAID = (None, "", dataclasses.MISSING)  # defaults that say nothing
_SECRET_NAME = re.compile(r"(^|_)(api_?key|token|password|secret)$", re.IGNORECASE)
# At the start of a word only: a table may be called task-history-2024.
_SECRET_VALUE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk|xox[abp]|glpat|xai)[-_][A-Za-z0-9_-]{12,}|(?:hf|gh[opsu]|gsk)_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|Bearer\s+\S{12,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON Web Token
    r"|[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@"  # an address with a user or password
    r")|-----BEGIN [A-Z0-9 ]+-----"
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The task, and the seed of all commands."""

    task: str = field(default="", metadata={"help": "The task pack. Empty: the only one installed."})
    seed: int = field(default=0, metadata={"low": 0, "high": 2**32 - 1, "help": "Seed of every random choice."})


@dataclass(frozen=True, kw_only=True)
class Generate:
    """How `dstill generate` turns questions into checked rows: teacher, prompts, execution, budget."""

    teacher: str = field(default="synthetic", metadata={"help": "The teacher that writes rationales and answers."})
    questions: str = field(
        default="",
        metadata={
            "help": "File of questions (JSONL, CSV or Parquet). Empty: the task pack makes them.",
            "trust": "file",
        },
    )
    limit: int = field(
        default=0, metadata={"low": 0, "high": 10**8, "help": "Answer at most this many questions. 0: all."}
    )
    focus: str = field(
        default="",
        metadata={
            "help": "A failure cause or category: add training questions like those that failed with it in `focus_run`."
        },
    )
    focus_run: str = field(
        default="", metadata={"help": "The evaluated run whose failures `focus` looks at.", "trust": "file"}
    )
    focus_rows: int = field(
        default=0,
        metadata={
            "low": 0,
            "high": 10**6,
            "help": "How many questions `focus` adds. 0: a quarter of the training questions.",
        },
    )
    shots: int = field(default=3, metadata={"low": 0, "high": 50, "help": "Worked examples in each prompt."})
    shots_by: Literal["category", "nearest"] = field(
        default="category",
        metadata={
            "help": "How worked examples are chosen: the question's category first, or the most similar questions."
        },
    )
    concurrency: int = field(
        default=32, metadata={"low": 1, "high": 1024, "help": "Requests sent to the teacher at the same time."}
    )
    json_mode: Literal["auto", "schema", "off"] = field(
        default="auto",
        metadata={
            "help": "Ask for replies as JSON that follows a schema. auto: if the teacher's endpoint supports it."
        },
    )
    batch: bool = field(
        default=False,
        metadata={"help": "Submit the requests to the provider's batch API and collect the replies later."},
    )
    execute: Literal["all", "held-out", "none"] = field(
        default="all",
        metadata={
            "help": "Which answers are run before they become records: all, those of the scored splits, or none."
        },
    )
    max_usd: float | None = field(
        default=None,
        metadata={
            "low": 0.0001,
            "high": 1e7,
            "help": "Stop before the replies of the run cost more than this, in US dollars.",
        },
    )
    max_tokens: int | None = field(
        default=None,
        metadata={
            "low": 1,
            "high": 10**12,
            "help": "Stop before prompts and replies of the run take more tokens than this.",
        },
    )
    max_requests: int | None = field(
        default=None, metadata={"low": 1, "high": 10**9, "help": "Stop after this many requests."}
    )
    max_wall: float | None = field(
        default=None, metadata={"low": 0.1, "high": 1e7, "help": "Send no new requests after this many seconds."}
    )
    max_duplicate_rate: float = field(
        default=0.5,
        metadata={
            "low": 0,
            "high": 1,
            "help": "Stop inventing questions when a larger share of the new ones are duplicates.",
        },
    )
    person_usd_per_hour: float = field(
        default=40.0,
        metadata={
            "low": 0,
            "high": 1e5,
            "help": "Assumed hourly cost of a person, for the estimate of manual labelling.",
        },
    )
    person_seconds_per_row: float = field(
        default=180.0,
        metadata={
            "low": 0,
            "high": 1e6,
            "help": "Assumed time for a person to write and check one row, in seconds, for the same estimate.",
        },
    )


@dataclass(frozen=True, kw_only=True)
class Review:
    """How a person checks a sample of the dataset before `dstill train` starts."""

    reviewer: str = field(default="", metadata={"help": "Name of the reviewer in review.jsonl. Empty: the login name."})
    precision: float = field(
        default=0.05,
        metadata={
            "low": 0.005,
            "high": 0.5,
            "help": "Half-width of the 95 % interval of the acceptance rate. It decides how large the sample is.",
        },
    )
    min_accept: float = field(
        default=0.9,
        metadata={
            "low": 0,
            "high": 1,
            "help": "`train` refuses to start if a smaller share of the sample was accepted.",
        },
    )
    required: Literal["auto", "always", "never"] = field(
        default="auto", metadata={"help": "Whether `train` waits for a review. auto: if a model wrote the answers."}
    )
    port: int = field(
        default=0, metadata={"low": 0, "high": 65535, "help": "Port of the review page on loopback. 0: any free port."}
    )


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """What `dstill evaluate` scores, and next to which baselines."""

    splits: tuple[str, ...] = field(
        default=("test", "test_unseen_templates"),
        metadata={"help": "Splits that are scored.", "renamed": FORMER_SPLITS},
    )
    baselines: tuple[str, ...] = field(
        default=("auto",),
        metadata={"help": "Baselines that are scored next to the student. auto: the usual ones that are installed."},
    )
    constrain: bool = field(
        default=False,
        metadata={"help": "Decode within the task's grammar, so that every answer of the student is valid."},
    )
    second_executor: str = field(
        default="",
        metadata={"help": "A second executor that judges too: an answer is correct only if both engines agree."},
    )
    machine_usd_per_hour: float | None = field(
        default=None,
        metadata={
            "low": 0,
            "high": 1e5,
            "help": "Hourly cost of the machine that runs the student, for the report's cost figures.",
        },
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The core's own sections."""

    project: Project = field(default_factory=Project)
    generate: Generate = field(default_factory=Generate)
    review: Review = field(default_factory=Review)
    train: Recipe = field(default_factory=Recipe)
    evaluate: Evaluate = field(default_factory=Evaluate)
    engine: Engine = field(default_factory=Engine)


@dataclass(frozen=True)
class Config:
    settings: Settings
    parts: Mapping[str, Any]  # "task.sql" → an instance of its Config
    origins: Mapping[str, str]  # dotted key → "default", "dstill.toml:7", "environment DSTILL_…", "command line"
    file: Path | None = None  # that was read, if one was
    filed: frozenset[str] = frozenset()  # keys whose values are the file's: nobody gave them in this call
    trusted: bool = False  # the caller allows what the file asks for, in this process (`Run.open`); never remembered

    def part(self, kind: str, name: str) -> Any:
        """The Config instance of one part, as ``part("task", "sql")``."""
        return self.parts.get(f"{kind}.{name}")

    def flat(self) -> dict[str, Any]:
        """Every key with its value, in the order of the sections."""
        values = _values("", self.settings)
        for name, section in sorted(self.parts.items()):
            values.update(_values(name, section))
        return values

    def to_toml(self) -> str:
        """The resolved configuration as a file that `load` reads back to the same values."""
        return as_toml(self.flat())


def fields(config: Config) -> dict[str, dataclasses.Field[Any]]:
    """The field of each key, with what its metadata say (`dstill.trust`)."""
    known = _keys("", Settings)
    for name, section in config.parts.items():
        known.update(_keys(name, type(section)))
    return known


def as_toml(values: Mapping[str, Any]) -> str:
    """Values by dotted key as the text of a configuration file; those of one table stand together."""
    lines: list[str] = []
    section = ""
    for key, value in values.items():
        table, _, name = key.rpartition(".")
        if value is None:  # TOML has no word for it: the default says it
            continue
        if table != section:
            lines += ["", f"[{_quoted(table)}]"]
            section = table
        lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines).lstrip() + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(of)}" for key, of in value.items()) + "}"
    # JSON's spelling of text, numbers, booleans and lists is TOML's too, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load(
    file: Path | None = None,
    *,
    use_files: bool = True,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    sections: Mapping[str, type[Any]] | None = None,
) -> Config:
    """Merge and check. `file` None: ``dstill.toml`` of this folder where there is one. Raises ConfigError.

    With ``use_files=False`` neither that nor the environment is read, as in `dstill demo`.
    """
    sections = sections or {}
    known = _keys("", Settings)
    for name, cls in sections.items():
        known.update(_keys(name, cls))
    given: dict[str, tuple[Any, str]] = {}
    if file is None and use_files and Path(FILE).exists():
        file = Path(FILE)
    if file is not None:
        given.update(_moved(_read_file(file, known), known))
    filed, given_now = frozenset(given), {}
    if use_files:
        given_now.update(_moved(_read_environment(os.environ if environment is None else environment, known), known))
    from_flags = {key: (value, "command line") for key, value in (flags or {}).items() if value is not None}
    given_now.update(_moved(from_flags, known))
    given.update(given_now)
    values: dict[str, Any] = {}
    for key, (value, origin) in given.items():
        if key not in known:
            raise _unknown(key, origin, known)
        address = known[key].metadata.get("trust") == "address"  # `checked_url` says better what is wrong with one
        if not address and any(isinstance(text, str) and looks_secret(text) for text in _items(value)):
            raise _secret(key, origin)
        values[key] = _checked(key, value, known[key], origin)
        if address and looks_secret(values[key]):
            raise _secret(key, origin)
    return Config(
        settings=_build("", Settings, values),
        parts={name: _build(name, cls, values) for name, cls in sections.items()},
        origins={key: given[key][1] if key in given else "default" for key in known},
        file=file,
        filed=filed - given_now.keys(),
    )


def _moved(given: dict[str, tuple[Any, str]], known: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """The values of one source; what stands there under an old key, under the new one."""
    now = _new_keys(known)
    for old in [key for key in given if key in now]:
        value, origin = given.pop(old)
        names = " and ".join(now[old])
        log.warning("the setting %s is now called %s (%s)", old, names, origin, extra={"once": True})
        for new in now[old]:
            given.setdefault(new, (value, origin))
    return given


def _new_keys(known: Mapping[str, dataclasses.Field[Any]]) -> dict[str, list[str]]:
    """Old key → the keys that it is now."""
    found: dict[str, list[str]] = {}
    for key, field_ in known.items():
        if "was" in field_.metadata:
            found.setdefault(field_.metadata["was"], []).append(key)
    return found


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, dict)) else [value]


def looks_secret(value: str) -> bool:
    """Whether a text has the form of a key or token."""
    return bool(_SECRET_VALUE.search(value))


def masked(text: str) -> str:
    """`text` with ``***`` for whatever in it has the form of a key or token."""
    return _SECRET_VALUE.sub("***", text)


# --- where values come from -------------------------------------------------------------


def _read_file(file: Path, known: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    where, hint = str(file.absolute()), "`dstill init` writes one"
    try:
        text = bounded(file, toml.MOST_BYTES).decode()
    except FileNotFoundError:
        if (file.parent / "run.json").exists():  # it was killed between the two, or somebody took the file out
            raise RunError(
                f"run '{file.parent.name}' has no {file.name}: its settings are not known",
                where=where,
                hint="put the file back from a copy, or begin a new run; `dstill runs rm` deletes this one",
            ) from None
        raise ConfigError(f"no configuration file {file}", where=where, hint=hint) from None
    except IsADirectoryError:
        raise ConfigError(f"{file} is a folder, not a configuration file", where=where, hint=hint) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file} is not UTF-8 (byte {error.object[error.start]:#04x})",
            where=f"{file}:{line}",
            hint="save it as UTF-8",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {(error.strerror or str(error)).lower()}",
            where=where,
            hint="see who may read it, or name another with --config",
        ) from None
    if not text.strip():
        raise ConfigError(f"{file} is empty", where=where, hint=hint)
    try:
        tree = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, len(text) - text.rfind("\n"))
        shown = (text.splitlines() or [""])[min(line, len(text.splitlines())) - 1]
        raise ConfigError(
            f"not TOML: {str(error).split(' (at')[0]}",
            where=f"{file}:{line}:{column}: {shown.strip()[:200]}",
            hint='write it as key = 1, key = "text" or key = ["a", "b"], under a [section]',
        ) from None
    except ValueError as error:
        raise ConfigError(f"{file} cannot be read: {error}", where=where, hint="no setting needs that") from None
    lines = _lines(text)
    return {
        key: (value, f"{file}:{lines[key]}" if key in lines else str(file))
        for key, value in _flatten(tree, known).items()
    }


def _lines(text: str) -> dict[str, int]:
    """Dotted key → its line, for messages; a key in a form that is seldom used has none."""
    table, lines = "", {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = header[1].replace('"', "").strip()
            lines[table] = number
        elif name := re.match(r"\s*([A-Za-z0-9_.-]+)\s*=", line):
            lines.setdefault(f"{table}.{name[1]}" if table else name[1], number)
    return lines


def _flatten(tree: Mapping[str, Any], known: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key not in known and (value or _is_table(key, known)):
            flat.update(_flatten(value, known, f"{key}."))
        else:
            flat[key] = value
    return flat


def _is_table(key: str, known: Mapping[str, Any]) -> bool:
    return any(name.startswith(f"{key}.") for name in known)


def variable(key: str) -> str:
    """The environment variable of a key.

    >>> variable("train.early_stopping")
    'DSTILL_TRAIN__EARLY_STOPPING'
    """
    return "DSTILL_" + key.replace(".", "__").replace("-", "_").upper()


def _read_environment(environment: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    fields_of = {**{old: known[new[0]] for old, new in _new_keys(known).items()}, **known}
    by_name = {variable(key): key for key in fields_of}
    found: dict[str, tuple[Any, str]] = {}
    for name, text in environment.items():
        if not name.startswith("DSTILL_") or name in RESERVED or "__" not in name:
            continue
        key = by_name.get(name)
        if key is None:
            raise _unknown(name.removeprefix("DSTILL_").replace("__", ".").lower(), f"environment {name}", known)
        found[key] = (_from_text(text, fields_of[key]), f"environment {name}")
    return found


def _from_text(text: str, field_: dataclasses.Field[Any]) -> Any:
    """A value from text that has no types: TOML's reading of it, unless text is wanted."""
    if field_.type is str or typing.get_origin(field_.type) is Literal:
        return text
    try:
        return toml.loads(f"value = {text}")["value"]
    except ValueError:
        return text


def parse_assignment(text: str) -> tuple[str, Any]:
    """``train.r=8`` of ``--set``, the value as TOML reads it (bare words are text)."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"'{text}' is no assignment", where="--set", hint="write it as --set train.r=8")
    try:
        return key.strip(), toml.loads(f"value = {value}")["value"]
    except ValueError:
        return key.strip(), value.strip()


def assignment(key: str, value: Any) -> str:
    """What `parse_assignment` reads back: the value bare where that does, else as TOML."""
    bare = f"{key}={value}"
    return bare if parse_assignment(bare) == (key, value) else f"{key}={_toml(value)}"


def command_line(plugin_files: Iterable[Path], *words: str | Path, settings: Mapping[str, Any]) -> str:
    """``dstill --plugin FILE WORDS --set KEY=VALUE …``, quoted for a shell, for a person to copy."""
    files = (word for file in plugin_files for word in ("--plugin", file))
    sets = (word for key, value in settings.items() for word in ("--set", assignment(key, value)))
    return command(*files, *words, *sets)


# --- checking ---------------------------------------------------------------------------


def _keys(prefix: str, cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    """Dotted key → field, nested dataclasses opened; every field's type resolved."""
    keys: dict[str, dataclasses.Field[Any]] = {}
    hints = typing.get_type_hints(cls)
    for f in dataclasses.fields(cls):
        f.type = _without_none(hints[f.name])
        key = f"{prefix}.{f.name}" if prefix else f.name
        if dataclasses.is_dataclass(f.type):
            inner = _keys(key, typing.cast(type[Any], f.type))
            keys.update({name: _with_metadata(of, f.metadata) for name, of in inner.items()})
        else:
            keys[key] = f
    return keys


def _with_metadata(field_: dataclasses.Field[Any], outer: Mapping[str, Any]) -> dataclasses.Field[Any]:
    """A field with what the field of its section says of all of them, as ``{"trust": "limits"}``."""
    if not outer:
        return field_
    copied = copy.copy(field_)
    copied.metadata = MappingProxyType({**outer, **field_.metadata})
    return copied


def _without_none(kind: Any) -> Any:
    """``str`` of ``str | None``: None is the default alone, no file or flag can say it."""
    kinds = [k for k in typing.get_args(kind) if k is not NoneType]
    return kinds[0] if len(kinds) == 1 and isinstance(kind, UnionType) else kind


def _values(prefix: str, section: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for f in dataclasses.fields(section):
        key = f"{prefix}.{f.name}" if prefix else f.name
        value = getattr(section, f.name)
        if dataclasses.is_dataclass(value):
            values.update(_values(key, value))
        else:
            values[key] = _plain(value)
    # a table's own keys come before its sub-tables
    return dict(sorted(values.items(), key=lambda item: item[0].count(".") if prefix else 0))


def _plain(value: Any) -> Any:
    """As TOML and JSON have it."""
    if isinstance(value, Mapping):
        return {key: _plain(of) for key, of in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _build(prefix: str, cls: type[Any], values: Mapping[str, Any]) -> Any:
    arguments = {}
    for f in dataclasses.fields(cls):
        key = f"{prefix}.{f.name}" if prefix else f.name
        if dataclasses.is_dataclass(f.type):
            arguments[f.name] = _build(key, typing.cast(type[Any], f.type), values)
        elif key in values:
            arguments[f.name] = values[key]
    return cls(**arguments)


def _checked(key: str, value: Any, field_: dataclasses.Field[Any], origin: str) -> Any:
    """`value` as the field's type wants it. Raises ConfigError with key, got and wanted."""
    wanted = wanted_of(field_)
    default = field_.default
    hint = "change it, or leave it out" + (f" for the default: {default!r}" if default not in _UNSAID else "")
    error = ConfigError(f"{key}: got {value!r}, wanted {wanted}", where=origin, hint=hint)
    kind: Any = field_.type
    value = _renamed(key, value, field_, origin)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise error
        return value
    if typing.get_origin(kind) is tuple:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
            raise error
        return tuple(items)
    if typing.get_origin(kind) is collections.abc.Mapping:
        if not isinstance(value, dict) or not all(_is_numbers(numbers) for numbers in value.values()):
            raise error
        return {str(name): tuple(map(float, numbers)) for name, numbers in value.items()}
    allowed = {float: (int, float)}.get(kind, (kind,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
        raise error
    if kind is float:
        try:
            value = float(value)
        except OverflowError:
            raise error from None
    if isinstance(value, float) and not math.isfinite(value):
        raise error
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):  # bytes of the shell's that are no text
        raise error
    _check_role(key, value, field_, origin)
    low, high = field_.metadata.get("low"), field_.metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        raise error
    return value


def _renamed(key: str, value: Any, field_: dataclasses.Field[Any], origin: str) -> Any:
    """`value`, or each of its items, by the name that it has now; a warning says so."""
    renamed = field_.metadata.get("renamed", {})
    if isinstance(value, list):
        return [_renamed(key, item, field_, origin) for item in value]
    if isinstance(value, str) and value in renamed:
        log.warning("%s: %r is now called %r (%s)", key, value, renamed[value], origin)
        return renamed[value]
    return value


def _check_role(key: str, value: Any, field_: dataclasses.Field[Any], origin: str) -> None:
    """Refuse, before it is stored anywhere, an address with a password in it and a key in place of its variable."""
    role = field_.metadata.get("trust")
    if value and role == "address":
        checked_url(value, where=f"{key}, {origin}", key=False)
    if value and role == "variable" and not is_variable(value):
        raise ConfigError(
            f"{key} is not the name of an environment variable (its value is not shown)",
            where=origin,
            hint="export MY_KEY=… with the key in it, and set the name: MY_KEY",
        )


def _is_numbers(value: Any) -> bool:
    """A pair of numbers that are not negative, as prices are."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) and 0 <= n <= sys.float_info.max for n in value)
    )


def wanted_of(field_: dataclasses.Field[Any]) -> str:
    """What values a key takes, in words: ``a whole number from 1 to 4096``."""
    kind: Any = field_.type
    if typing.get_origin(kind) is collections.abc.Mapping:
        return 'a table of pairs of numbers, as {"a-model" = [0.4, 1.6]}'
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    text = names.get(kind, "a list of texts")
    low, high = field_.metadata.get("low"), field_.metadata.get("high")
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    return text if low is None else f"{text} of at least {low}"


def _unknown(key: str, origin: str, known: Mapping[str, Any]) -> ConfigError:
    if _SECRET_NAME.search(key.rpartition(".")[2]):
        return _secret(key, origin)
    near = _nearest(key, known)
    meant = f" Did you mean '{near}'?" if near else ""
    # not the bare command, which would read the same file and end with the same error
    hint = "`dstill config show --defaults` lists every key"
    kind, _, rest = key.partition(".")
    part = f"{kind}.{rest.partition('.')[0]}"
    if kind in PARTS and not _is_table(part, known):
        hint = f"no {kind} of that name is installed, or it has nothing to set: see `dstill pack list`"
    return ConfigError(f"unknown key '{key}'.{meant}", where=origin, hint=hint)


def _nearest(key: str, known: Iterable[str]) -> str:
    """What `key` was probably meant to be, or nothing: ``trian.lr`` → ``train.learning_rate``."""
    table, _, name = key.rpartition(".")
    by_table: dict[str, list[str]] = {}
    for other in known:
        by_table.setdefault(other.rpartition(".")[0], []).append(other.rpartition(".")[2])
    tables = [table] if table in by_table else get_close_matches(table, by_table, n=1)
    for there in tables:
        if found := _nearest_name(name, by_table[there]):
            return f"{there}.{found}"
    for there, names in by_table.items():  # the right name in another table
        if name in names:
            return f"{there}.{name}"
    return "" if tables else next(iter(get_close_matches(key, list(known), n=1)), "")


def _nearest_name(name: str, names: list[str]) -> str:
    """Of the keys of one table: of which `name` is a word or a part, whose initials it is, or that look alike."""
    rules: tuple[Callable[[str], bool], ...] = (
        lambda other: other == name,
        lambda other: name in other.split("_"),
        lambda other: len(name) > 2 and name in other,
        lambda other: name == "".join(word[:1] for word in other.split("_")),
    )
    for rule in rules:
        if found := [other for other in names if rule(other)]:
            return found[0]  # what matters most is declared first
    return next(iter(get_close_matches(name, names, n=1)), "")


def _secret(key: str, origin: str) -> ConfigError:
    return ConfigError(
        f"{key} looks like a secret (its value is not shown)",
        where=origin,
        hint="use api_key_env to name an environment variable that holds it",
    )


def _quoted(table: str) -> str:
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in table.split("."))
