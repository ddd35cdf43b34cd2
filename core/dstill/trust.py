"""What the settings of a folder ask for, and which of that its user has allowed.

    require(config, "engine")     # raises TrustError: runs/theirs/config.toml sends $ES_KEY to https://evil.example:443
    allow(Path("runs/theirs"), ["send the environment variable 'ES_KEY' to https://evil.example:443"])
    require(config, "engine")     # passes, until the file names another address or variable

A run folder or a dstill.toml may come from a stranger. Its settings are plain data, but some of them reach outside:
fields say so in their metadata, as ``{"trust": "address"}``. The roles:

    address     a service that is connected to
    variable    environment variable whose content is sent to the address of the same section
    key file    file whose content is sent there
    ca          decides which certificate the address may have; "ca file": a file that does
    file        a file that is read
    model       folder, file or hub id of a model; "student": the same after a kind, as in hf:FOLDER
    services    names of services that training is reported to
    write       a switch that lets dstill write to the address of the same section
    limits      a limit on what is let through: above its default it is looser; of a nested section, for all in it

An executor reaches the address of ``[engine]``, so its own section is looked at together with that one.

Only values that stand in the file count: not defaults, and not what this call was given by flags or the environment.
A run asks for all of them. A project's dstill.toml, which its user mostly wrote, may set limits, let data be written,
and name addresses and hub ids freely as long as no secret goes there, and a server on this machine for the secret that
is the default. What was allowed for a folder holds in the folders below it, but not in runs of others there: a run
needs a line of its own.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
from dataclasses import MISSING, Field, dataclass, replace
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from dstill.config import FILE, Config, fields
from dstill.errors import ConfigError, DstillError, TrustError
from dstill.io.files import write_text
from dstill.io.shell import command
from dstill.io.urls import is_loopback, origin

__all__ = ["Request", "allow", "allowed", "forget", "grants", "keep", "pending", "remembered", "requests", "require"]

log = logging.getLogger("dstill")

MANIFEST, SETTINGS = "run.json", "config.toml"  # of a run's folder (`dstill.runs.folder`)
_NOT_A_PATH = re.compile(r"[A-Za-z0-9_-]+")  # a student's kind alone


@dataclass(frozen=True, kw_only=True)
class Request:
    """One thing that a folder asks for."""

    action: str  # what `allow` remembers, word for word: another wording would ask again
    setting: str = ""  # the key that asks for it, and where it stands
    source: str = ""  # "send …": the secret; set where the address was given by the user, not by the folder
    target: str = ""  # "… to https://HOST:PORT": likewise, where the secret was given by the user


# --- what is asked for ------------------------------------------------------------------


def requests(config: Config, *sections: str, relative_to: Path = Path()) -> list[Request]:
    """What the file of `config` asks for in `sections` and below; without any in all of them.

    Paths are relative to `relative_to`: where commands run, else the current folder.
    """
    if config.file is None:
        return []
    looked = _Looked(config, relative_to)
    names = dict.fromkeys(key.rpartition(".")[0] for key in looked.fields)
    wanted = [n for n in names if not sections or any(n == s or n.startswith(f"{s}.") for s in sections)]
    found: dict[tuple[str, str, str], Request] = {}  # an executor's section has some that [engine] has too
    for name in wanted:
        for one in looked.section(name):
            found.setdefault((one.action, one.source, one.target), one)
    return list(found.values())


class _Looked:
    """A configuration, looked through for what its file asks for."""

    def __init__(self, config: Config, relative_to: Path) -> None:
        assert config.file is not None
        self.config, self.relative_to = config, relative_to
        self.values, self.fields = config.flat(), fields(config)
        self.folder = Path(os.path.realpath(config.file.parent))
        # also of a run that is being made, which has no run.json yet
        self.is_run = config.file.name == SETTINGS or (self.folder / MANIFEST).exists()

    def section(self, name: str) -> Iterator[Request]:
        keys = self._keys(lambda table: table == name)
        near = self._with_engine(name) if name.startswith("executor.") and keys else keys
        for address in near.get("address", ()):
            secrets = [*near.get("variable", ()), *near.get("key file", ())]
            yield from self._sent(address, secrets, [*near.get("ca file", ()), *near.get("ca", ())])
        for role, of in (
            ("file", self._file),
            ("ca file", self._file),
            ("model", self._model),
            ("student", self._student),
        ):
            for key in filter(self._asks, keys.get(role, ())):
                if action := of(str(self.values[key])):
                    yield self._request(key, action)
        if self.is_run:
            yield from self._loosened(keys.get("limits", ()), near)
        for key in filter(self._asks, keys.get("services", ())):
            names = [word.strip() for word in self.values[key].split(",")]
            for service in names:
                if service not in ("", "auto", "none", "tensorboard"):
                    yield self._request(key, f"report trainings to {service!r}")

    def _with_engine(self, name: str) -> dict[str, list[str]]:
        """The keys of ``[engine]``, and of the executor that the section `name` belongs to."""
        own = ".".join(name.split(".")[:2])
        return self._keys(lambda table: table in ("engine", own) or table.startswith(f"{own}."))

    def _keys(self, belongs: Callable[[str], bool]) -> dict[str, list[str]]:
        """Role → the keys that have it and a value, of the tables that `belongs` takes."""
        keys: dict[str, list[str]] = {}
        for key, field in self.fields.items():
            if belongs(key.rpartition(".")[0]) and self.values[key] and (role := field.metadata.get("trust")):
                keys.setdefault(role, []).append(key)
        return keys

    def _sent(self, address: str, secrets: Iterable[str], ca: Iterable[str]) -> Iterator[Request]:
        """What goes to an address, as pairs of a secret and a destination."""
        to = origin(self.values[address])
        trusting = [key for key in ca if self._asks(key)]
        if trusting:
            to += f", trusting the certificate {', '.join(repr(self.values[key]) for key in trusting)}"
        asks = [key for key in (address, *trusting) if self._asks(key)]
        here = is_loopback(urlsplit(self.values[address]).hostname or "")
        sent = False
        for key in secrets:
            sent = True
            # a project's own server on this machine is often given the usual variable
            if self._asks(key) or (asks and (self.is_run or not here)):
                what = self._secret(key)
                yield Request(
                    action=f"send {what} to {to}",
                    setting=self._at(key if self._asks(key) else asks[0]),
                    source=f"send {what} to " if not asks and self._given(address) else "",
                    target=f" to {to}" if asks and self._given(key) else "",
                )
        if self.is_run and asks and not sent and not here:
            yield self._request(address, f"connect to {to}")

    def _loosened(self, limits: Iterable[str], near: Mapping[str, list[str]]) -> Iterator[Request]:
        for key in filter(self._asks, near.get("write", ())):
            for address in near.get("address", ()):
                yield self._request(key, f"write data to {origin(self.values[address])}")
        for key in filter(self._asks, limits):
            value, usual = self.values[key], _default(self.fields[key])
            if isinstance(value, (bool, int, float)) and value > usual:
                yield self._request(key, f"loosen a limit: {key} = {value!r}")

    def _secret(self, key: str) -> str:
        if self.fields[key].metadata["trust"] == "variable":
            return f"the environment variable {self.values[key]!r}"
        return f"the content of {self._path(self.values[key])!r}"

    def _file(self, name: str) -> str:
        path = self._path(name)
        return "" if self._inside(path) else f"read {path!r}"

    def _model(self, name: str) -> str:
        return model_action(name, self.folder, is_run=self.is_run, path=self._path(name))

    def _student(self, spec: str) -> str:
        base = spec.partition(":")[2] if ":" in spec else "" if _NOT_A_PATH.fullmatch(spec) else spec
        return self._model(base) if base else ""

    def _path(self, name: str) -> str:
        return _real(name, self.relative_to)

    def _inside(self, path: str) -> bool:
        return Path(path).is_relative_to(self.folder)

    def _request(self, key: str, action: str) -> Request:
        return Request(action=action, setting=self._at(key))

    def _at(self, key: str) -> str:
        return f"{key}, {self.config.origins[key]}"

    def _asks(self, key: str) -> bool:
        """Whether the file chose the value: one that is the default stands in every run's file."""
        return key in self.config.filed and self.values[key] != _default(self.fields[key])

    def _given(self, key: str) -> bool:
        """Whether the user gave the value in this call."""
        return key not in self.config.filed and self.config.origins[key] != "default"


def model_action(name: str, folder: Path, *, is_run: bool, path: str = "") -> str:
    """What loading the model `name` for `folder` asks for; nothing where the model lies in the folder."""
    path = path or _real(name)
    is_path = name.startswith((".", "/", "~")) or name.lower().endswith(".gguf") or name.count("/") > 1
    if is_path or os.path.lexists(path):
        return "" if Path(path).is_relative_to(os.path.realpath(folder)) else f"load the model {path!r}"
    return f"load the model {name!r} from the Hugging Face hub" if is_run else ""


def _real(name: str, relative_to: Path = Path()) -> str:
    return os.path.realpath(relative_to / os.path.expanduser(name.replace("\0", "\\0")))


def _default(field: Field[Any]) -> Any:
    made = field.default if field.default_factory is MISSING else field.default_factory()
    return list(made) if isinstance(made, tuple) else made


# --- what is allowed --------------------------------------------------------------------


def require(config: Config, *sections: str, more: Callable[[], Iterable[Request]] = tuple) -> None:
    """Raises TrustError where the file of `config` asks in `sections` for what its user has not allowed.

    The error lists all that the file asks for, so that it is asked about once. `more`: what the folder asks for
    beside its settings; it counts where no sections are given, or those of training.
    """
    if config.file is None or config.trusted:
        return
    extra = list(more()) if not sections or "train" in sections else []
    if not (refused := pending(config, [*requests(config, *sections), *extra])):
        return
    folder = config.file.parent
    usual = "config.toml" if (folder / MANIFEST).exists() else FILE
    first, others = refused[0], len(refused) - 1
    error = TrustError(
        f"{str(folder.absolute())!r} asks to {first.action}{f' (and {others} more)' if others else ''}, "
        "and you have not allowed that",
        where=first.setting,
        hint=f"see what it asks for, and allow it: "
        f"{command('trust', folder if config.file.name == usual else config.file)}",
    )
    everything = pending(config, [*requests(config), *more()])
    error.folder, error.actions = str(folder), tuple((one.action, one.setting) for one in everything)
    raise error


def pending(config: Config, asked: Iterable[Request]) -> list[Request]:
    """Those of `asked` that are not allowed."""
    if config.file is None or config.trusted or not (asked := list(asked)):
        return []
    known = allowed(config.file.parent)
    return [
        one
        for one in asked
        if one.action not in known
        and not (one.source and any(action.startswith(one.source) for action in known))
        and not (one.target and any(action.startswith("send ") and action.endswith(one.target) for action in known))
    ]


def keep(config: Config, file: Path, *, relative_to: Path = Path()) -> None:
    """Allow what `config`, which this user has just written to `file`, asks for.

    But not what another file made `config` ask for, and nobody has allowed; nothing of a config that is `trusted`
    for one process.
    """
    if config.trusted:
        return
    refused = {one.action for one in pending(config, requests(config))}
    written = replace(config, file=file, filed=frozenset(config.flat()))
    # all of it, also what a folder above was allowed: that does not hold in a run
    asked = requests(written, relative_to=relative_to)
    try:
        allow(file.parent, [one.action for one in asked if one.action not in refused])
    except (DstillError, OSError) as problem:  # as in a container whose home folder is read-only
        log.warning("cannot remember that this folder is yours, so dstill will ask about it: %s", problem)


def allowed(folder: Path) -> set[str]:
    """What was allowed for `folder`, or for one that it lies in."""
    return {action for actions in grants(folder).values() for action in actions}


def grants(folder: Path) -> dict[str, list[str]]:
    """`folder` and those above it → what was allowed there and holds for `folder`.

    A run has only lines of its own: somebody else's may have been unpacked below a project of the user's.
    """
    known, here = remembered(), Path(os.path.realpath(folder))
    above = () if (here / MANIFEST).exists() else here.parents
    return {str(one): known[str(one)] for one in (here, *above) if str(one) in known}


def allow(folder: Path, actions: Iterable[str]) -> None:
    """Remember that `folder` may do this. Raises ConfigError, DiskError, UsageError."""
    actions, name = list(actions), os.path.realpath(folder)
    if actions:
        _change(lambda known: {**known, name: sorted({*known.get(name, ()), *actions})})


def forget(folder: Path) -> bool:
    """Allow `folder` and what is below it nothing any more. Returns whether anything was allowed."""
    here = Path(os.path.realpath(folder))

    def below(name: str) -> bool:
        return Path(name).is_relative_to(here)

    if not any(map(below, remembered())):
        return False
    _change(lambda known: {name: actions for name, actions in known.items() if not below(name)})
    return True


def remembered() -> dict[str, list[str]]:
    """Folder → what it may do. Raises ConfigError for a file that is damaged."""
    file = _file()
    try:
        known = json.loads(file.read_text(encoding="utf-8"))["folders"]
        return {str(name): [str(action) for action in actions] for name, actions in known.items()}
    except OSError:  # it is not there, or cannot be read: nothing is allowed
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"cannot read which folders you have allowed: {type(error).__name__}",
            where=str(file),
            hint="delete the file: you are asked again",
        ) from None


def _change(change: Callable[[dict[str, list[str]]], Mapping[str, list[str]]]) -> None:
    """One process after the other."""
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (file.parent / f".{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folders = dict(sorted(change(remembered()).items()))
        write_text(file, json.dumps({"schema_version": 1, "folders": folders}, ensure_ascii=False, indent=1) + "\n")


def _file() -> Path:
    """In the user's own settings, which no folder that dstill works on can write."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".config"
    return base / "dstill" / "trust.json"
