"""Asks the user before the settings of a folder can do something outside of it.

    require(config, "engine")     # raises TrustError: runs/theirs/config.toml sends $ES_KEY to https://evil.example:443
    allow(Path("runs/theirs"), ["send the environment variable 'ES_KEY' to https://evil.example:443"])
    require(config, "engine")     # passes, until the file names another address or variable

A run folder or a dstill.toml may come from a stranger. Its settings are plain data, but some of them reach outside of
the folder. The metadata of such fields say how, for example ``{"trust": "address"}``. The roles are:

    address     a service that dstill connects to
    variable    an environment variable whose content is sent to the address of the same section; in a table, each value
    key file    a file whose content is sent there
    ca          decides which certificate the address may have; "ca file": a file that does
    file        a file that is read
    data set    a file, folder or name on the hub that is read
    model       folder, file or hub id of a model; "student": the same after a kind, as in hf:FOLDER
    services    names of services that training is reported to
    paid        names, of which those with a colon are models that cost money
    login       a user or role that dstill logs in as at the address of the same section
    reads       data at that address that answers may read
    write       a switch that lets dstill write to the address of the same section
    limits      a limit that is looser above its default; on a nested section: all of its fields are limits

An executor uses the address of ``[engine]``, so its own section is checked together with that one.

Only values from the file count, not defaults and not values of flags or the environment. A run must be allowed all of
them. A project's dstill.toml, which its user usually wrote, is allowed more: it may set limits, let data be written,
name addresses and hub ids as long as no secret is sent there, and send the default secret to a server on this machine.
A permission for a folder also applies to the folders below it, except for runs: a run needs its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dstill.api.recipe import services_in
from dstill.api.values import BUNDLED
from dstill.config import FILE, Config, fields
from dstill.errors import ConfigError, DstillError, TrustError
from dstill.io import system
from dstill.io.files import write_text
from dstill.io.logs import log
from dstill.io.shell import command
from dstill.io.urls import file_of, is_loopback, origin

__all__ = [
    "BUNDLE",
    "PACKAGED",
    "Request",
    "allow",
    "allow_written",
    "allowed",
    "forget",
    "grants",
    "is_bundle",
    "pending",
    "remembered",
    "requests",
    "require",
]


MANIFEST, SETTINGS = "run.json", "config.toml"  # of a run's folder (`dstill.runs.folder`)
BUNDLE = "bundle.json"  # of an exported student (`dstill.runs.bundle`), to which the rules for a run apply
HUB = "hf://"  # what follows names a repository on the Hugging Face hub
PACKAGED = "base:"  # what follows names weights that an installed task pack has
_NOT_A_PATH = re.compile(r"[A-Za-z0-9_-]+")  # the kind of a student, without a base


@dataclass(frozen=True, kw_only=True)
class Request:
    """One action that the settings of a folder ask for."""

    action: str  # in words; `allow` stores this text, so another wording would ask again
    setting: str = ""  # the key that asks for it, and its place in the file
    source: str = ""  # "send … to ", the start of `action`: set if the user gave the address, not the folder
    target: str = ""  # " to https://HOST:PORT", the end of `action`: set if the user gave the secret


# --- requests ---------------------------------------------------------------------------


def requests(config: Config, *sections: str, relative_to: Path = Path()) -> list[Request]:
    """The requests of the file of `config` in `sections` and their subsections; default: in every section.

    Paths in the file are relative to `relative_to`, by default the current folder.
    """
    if config.file is None:
        return []
    parts = [name for name in config.parts if name in sections] if sections else config.parts.loadable()
    scan = _Scan(config, relative_to, parts)
    names = dict.fromkeys(key.rpartition(".")[0] for key in scan.fields)
    wanted = [n for n in names if not sections or any(n == s or n.startswith(f"{s}.") for s in sections)]
    by_action: dict[
        tuple[str, str, str], Request
    ] = {}  # without duplicates: an executor's section repeats those of [engine]
    for name in wanted:
        for part in scan.section(name):
            by_action.setdefault((part.action, part.source, part.target), part)
    return list(by_action.values())


class _Scan:
    """Searches the core's sections of a configuration, and those of `parts`, for what its file asks for."""

    def __init__(self, config: Config, relative_to: Path, parts: Sequence[str]) -> None:
        assert config.file is not None
        self.config, self.relative_to = config, relative_to
        self.values, self.fields = config.flat(parts), fields(config, parts)
        self.folder = Path(os.path.realpath(config.file.parent))
        # a run that is being created has no run.json yet
        self.is_run = config.file.name == SETTINGS or is_run(self.folder)

    def section(self, name: str) -> Iterator[Request]:
        """The requests of the section `name`, without its subsections."""
        keys = self._keys(lambda table: table == name)
        near = self._with_engine(name) if name.startswith("executor.") and keys else keys
        for address in near.get("address", ()):
            secrets = [*near.get("variable", ()), *near.get("key file", ())]
            yield from self._connections(address, secrets, [*near.get("ca file", ()), *near.get("ca", ())])
        for role, of in (
            ("file", self._file),
            ("data set", self._data_set),
            ("ca file", self._file),
            ("model", self._model),
            ("student", self._student),
        ):
            for key in filter(self._asks, keys.get(role, ())):
                if action := of(str(self.values[key])):
                    yield self._request(key, action)
        if self.is_run:
            yield from self._loosened(keys.get("limits", ()), near)
        yield from self._named(keys.get("paid", ()), keys.get("services", ()))

    def _named(self, paid: Iterable[str], services: Iterable[str]) -> Iterator[Request]:
        """Requests for each model that costs money, and for each service that trainings are reported to."""
        for key in filter(self._asks, paid if self.is_run else ()):
            for name in self.values[key]:
                if ":" in name:
                    yield self._request(key, f"ask the model {name!r}, which may cost money")
        for key in filter(self._asks, services):
            for service in services_in(self.values[key]):
                yield self._request(key, f"report trainings, scores, questions and the student to {service!r}")

    def _with_engine(self, name: str) -> dict[str, list[str]]:
        """The keys of ``[engine]`` and of the executor that the section `name` belongs to, by role."""
        own = ".".join(name.split(".")[:2])
        return self._keys(lambda table: table in ("engine", own) or table.startswith(f"{own}."))

    def _keys(self, belongs: Callable[[str], bool]) -> dict[str, list[str]]:
        """Role → its keys with a value, in the tables for which `belongs` is true."""
        keys: dict[str, list[str]] = {}
        for key, field in self.fields.items():
            if belongs(key.rpartition(".")[0]) and self.values[key] and (role := field.metadata.get("trust")):
                keys.setdefault(role, []).append(key)
        return keys

    def _connections(self, address: str, secrets: Iterable[str], ca: Iterable[str]) -> Iterator[Request]:
        """Requests to send each secret to an address, or to connect to it without one."""
        if file := file_of(self.values[address]):
            if self._asks(address) and (action := self._file(file)):
                yield self._request(address, action)
            return
        to = origin(self.values[address])
        trusting = [key for key in ca if self._asks(key)]
        if trusting:
            to += f", trusting the certificate {', '.join(repr(self.values[key]) for key in trusting)}"
        asks = [key for key in (address, *trusting) if self._asks(key)]
        here = is_loopback(urlsplit(self.values[address]).hostname or "")
        sent = False
        for key in secrets:
            sent = True
            # a project may send the default secret to a server on this machine
            if self._asks(key) or (asks and (self.is_run or not here)):
                for secret in self._secrets(key):
                    yield Request(
                        action=f"send {secret} to {to}",
                        setting=self._at(key if self._asks(key) else asks[0]),
                        source=f"send {secret} to " if not asks and self._given(address) else "",
                        target=f" to {to}" if asks and self._given(key) else "",
                    )
        if self.is_run and asks and not sent and not here:
            yield self._request(address, f"connect to {to}")

    def _loosened(self, limits: Iterable[str], near: Mapping[str, list[str]]) -> Iterator[Request]:
        for key in filter(self._asks, near.get("write", ())):
            for address in near.get("address", ()):
                yield self._request(key, f"write data to {origin(self.values[address])}")
        for role, action in (("login", "log in as"), ("reads", "read")):
            for key in filter(self._asks, near.get(role, ())):
                yield self._request(key, f"{action} {self.values[key]!r}: {key}")
        for key in filter(self._asks, limits):
            value, usual = self.values[key], _default(self.fields[key])
            if isinstance(value, (bool, int, float)) and value > usual:
                yield self._request(key, f"loosen a limit: {key} = {value!r}")

    def _secrets(self, key: str) -> list[str]:
        value = self.values[key]
        if self.fields[key].metadata["trust"] == "variable":
            names = value.values() if isinstance(value, Mapping) else [value]
            return [f"the environment variable {name!r}" for name in names]
        return [f"the content of {self._path(value)!r}"]

    def _file(self, name: str) -> str:
        path = self._path(name)
        is_packaged = name.startswith(BUNDLED) and not os.path.lexists(path)
        return "" if is_packaged or self._inside(path) else f"read {path!r}"

    def _data_set(self, name: str) -> str:
        if not name.startswith(HUB):
            return self._file(name)
        return f"read {name!r} from the Hugging Face hub, with your token if you have one" if self.is_run else ""

    def _model(self, name: str) -> str:
        return model_action(name, self.folder, is_run=self.is_run, path=self._path(name))

    def _student(self, spec: str) -> str:
        if spec.startswith(PACKAGED):
            return ""
        base = spec.partition(":")[2] if ":" in spec else "" if _NOT_A_PATH.fullmatch(spec) else spec
        return self._model(base) if base else ""

    def _path(self, name: str) -> str:
        return _real(name, self.relative_to)

    def _inside(self, path: str) -> bool:
        return Path(path).is_relative_to(self.folder)

    def _request(self, key: str, action: str) -> Request:
        return Request(action=action, setting=self._at(key))

    def _at(self, key: str) -> str:
        return f"{key}, {self.config.origin(key)}"

    def _asks(self, key: str) -> bool:
        """Whether the file chose the value. Defaults do not count: the file of every run has them."""
        return key in self.config.filed and self.values[key] != _default(self.fields[key])

    def _given(self, key: str) -> bool:
        """Whether the user gave the value by a flag or the environment."""
        return key not in self.config.filed and key in self.config.origins


def model_action(name: str, folder: Path, *, is_run: bool, path: str = "") -> str:
    """The action that loading the model `name` for `folder` asks for. Empty: the model is in the folder."""
    path = path or _real(name)
    is_path = name.startswith((".", "/", "~")) or name.lower().endswith(".gguf") or name.count("/") > 1
    if is_path or os.path.lexists(path):
        return "" if Path(path).is_relative_to(os.path.realpath(folder)) else f"load the model {path!r}"
    return f"load the model {name!r} from the Hugging Face hub" if is_run else ""


def _real(name: str, relative_to: Path = Path()) -> str:
    return os.path.realpath(relative_to / os.path.expanduser(name.replace("\0", "\\0")))


def _default(field: Field[Any]) -> Any:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return list(default) if isinstance(default, tuple) else default


# --- permissions ------------------------------------------------------------------------


def require(config: Config, *sections: str, more: Iterable[Request] = ()) -> None:
    """Raise TrustError if the file of `config` asks in `sections` for something that its user has not allowed.

    The error lists everything that the file asks for, so that the user is asked once. `more` is what the folder asks
    for besides its settings; it is read if this is needed, and checked if `sections` is empty or includes ``train``.
    """
    if config.file is None or config.trusted:
        return
    extra = list(more) if not sections or "train" in sections else []
    if not (refused := pending(config, [*requests(config, *sections), *extra])):
        return
    folder = config.file.parent
    usual = SETTINGS if (folder / MANIFEST).exists() else BUNDLE if is_bundle(folder) else FILE
    first, others = refused[0], len(refused) - 1
    error = TrustError(
        f"{str(folder.absolute())!r} asks to {first.action}{f' (and {others} more)' if others else ''}, "
        "and you have not allowed that",
        where=first.setting,
        hint=f"see what it asks for, and allow it: "
        f"{command('trust', folder if config.file.name == usual else config.file)}",
    )
    everything = pending(config, [*requests(config), *extra, *more])
    error.folder, error.actions = str(folder), tuple((request.action, request.setting) for request in everything)
    raise error


def pending(config: Config, wanted: Iterable[Request]) -> list[Request]:
    """The requests in `wanted` that the user has not allowed."""
    if config.file is None or config.trusted or not (wanted := list(wanted)):
        return []
    known = allowed(config.file.parent)
    return [
        row
        for row in wanted
        if row.action not in known
        and not (row.source and any(action.startswith(row.source) for action in known))
        and not (row.target and any(action.startswith("send ") and action.endswith(row.target) for action in known))
    ]


def allow_written(config: Config, file: Path, *, relative_to: Path = Path()) -> None:
    """Allow what `config` asks for; its user has just written it to `file`.

    Excluded: requests that come from another file and were not allowed. If `config` is `trusted` for one process,
    nothing is allowed.
    """
    if config.trusted:
        return
    refused = {request.action for request in pending(config, requests(config))}
    written = replace(config, file=file, filed=frozenset(config.flat()))
    # including what a folder above was allowed, because that does not apply to a run
    wanted = requests(written, relative_to=relative_to)
    try:
        allow(file.parent, [request.action for request in wanted if request.action not in refused])
    except (DstillError, OSError) as problem:  # as in a container whose home folder is read-only
        log.warning("cannot remember that this folder is yours, so dstill will ask about it: %s", problem)


def allowed(folder: Path) -> set[str]:
    """The actions that are allowed for `folder`, by itself or by a folder above it."""
    return {action for actions in grants(folder).values() for action in actions}


def is_run(folder: Path) -> bool:
    """Whether `folder` is that of a run, or a bundle."""
    return (folder / MANIFEST).exists() or is_bundle(folder)


def is_bundle(folder: Path) -> bool:
    """Whether `folder` is a bundle."""
    return (folder / BUNDLE).exists()


def grants(folder: Path) -> dict[str, list[str]]:
    """`folder` and the folders above it → the actions allowed there, which apply to `folder`.

    Permissions of folders above do not apply to a run: it may be somebody else's, unpacked in the user's project.
    """
    known, here = remembered(), Path(os.path.realpath(folder))
    above = () if is_run(here) else here.parents
    return {str(folder): known[str(folder)] for folder in (here, *above) if str(folder) in known}


def allow(folder: Path, actions: Iterable[str]) -> None:
    """Allow `folder` these actions from now on. Raises ConfigError, DiskError, UsageError."""
    actions, name = list(actions), os.path.realpath(folder)
    if actions:
        _change(lambda known: {**known, name: sorted({*known.get(name, ()), *actions})})


def forget(folder: Path) -> bool:
    """Remove all permissions of `folder` and of the folders below it. Returns whether there were any."""
    here = Path(os.path.realpath(folder))

    def below(name: str) -> bool:
        return Path(name).is_relative_to(here)

    if not any(map(below, remembered())):
        return False
    _change(lambda known: {name: actions for name, actions in known.items() if not below(name)})
    return True


def remembered() -> dict[str, list[str]]:
    """Folder → its allowed actions, from the user's file. Raises ConfigError if the file is damaged."""
    file = _file()
    try:
        known = json.loads(file.read_text(encoding="utf-8"))["folders"]
        return {str(name): [str(action) for action in actions] for name, actions in known.items()}
    except OSError:  # it does not exist or cannot be read: nothing is allowed
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"cannot read which folders you have allowed: {type(error).__name__}",
            where=str(file),
            hint="delete the file: dstill then asks you again",
        ) from None


def _change(change: Callable[[dict[str, list[str]]], Mapping[str, list[str]]]) -> None:
    """Change the user's file; processes that do this wait for each other."""
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (file.parent / f".{file.name}.lock").open("a") as lock:
        system.lock(lock)
        folders = dict(sorted(change(remembered()).items()))
        write_text(file, json.dumps({"schema_version": 1, "folders": folders}, ensure_ascii=False, indent=1) + "\n")


def _file() -> Path:
    """The user's file, outside of every folder that dstill works on."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".config"
    return base / "dstill" / "trust.json"
