"""Keys and passwords: a wrapper that does not print them, and a filter that removes them from texts.

    key = Secret.from_environment("OPENAI_API_KEY", "the teacher 'openai'")
    key = Secret.from_file(Path("~/.keys/openai"), "the teacher 'openai'")     # mode 0600
    print(key)                    # ***
    key.reveal()                  # the value, for the one call that sends it
    redact(f"bad key {value}")    # bad key ***
    masked("bad key sk-…")         # bad key ***: what looks like a key, known or not

In: the *name* of an environment variable, or of a file that only its owner may read. A secret never comes from a
configuration file or an option. `redact` knows every `Secret` as soon as it is created, also in the form that it has in
a URL, in JSON and in base64. Not covered: a secret that is cut in two, or one shorter than 6 characters.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import stat
from pathlib import Path
from typing import NoReturn, Self
from urllib.parse import quote

from dstill.errors import ConfigError
from dstill.io import system

__all__ = ["Secret", "is_variable", "login", "looks_secret", "masked", "redact", "value_of"]

MASK = "***"
LONGEST = 1 << 16  # bytes read from a key file
LONG = 12  # characters; a shorter password is not redacted on its own, as it may be a word of the data
SHORTEST = 6  # characters; replacing a shorter text everywhere would garble the output

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Only at the start of a word: a table may be called task-history-2024. The time is linear in the length of a text: what
# begins at many places of a run of characters is only looked for from the start of the run.
_SECRET_VALUE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk|xox[abp]|glpat|xai)[-_][A-Za-z0-9_-]{12,}|(?:hf|gh[opsu]|gsk)_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|Bearer\s+\S{12,})"
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{8,}+\.)"  # a JSON Web Token
    r"(?:[A-Za-z0-9_-]*[_-])?eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|(?<![A-Za-z0-9+.-])[0-9+.-]*+[A-Za-z][A-Za-z0-9+.-]*+://[^/?#\s]*@"  # an address with a user or password
    r"|-----BEGIN [A-Z0-9 ]+-----"
)

_known: set[str] = set()  # patterns of all secrets of this process


class Secret:
    """A value that prints as ``***``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST:
            in_base64 = base64.b64encode(value.encode()).decode().rstrip("=")
            _known.update({_in_json(value), re.escape(quote(value, safe="")), f"{re.escape(in_base64)}=*"})

    @classmethod
    def from_environment(cls, name: str, needed_by: str) -> Self:
        """The value of the variable `name`. Raises ConfigError that says who needs it (`needed_by`)."""
        if not is_variable(name):
            raise ConfigError(
                f"{needed_by} needs the name of an environment variable, and got something else (not shown)",
                where="api_key_env",
                hint="export MY_KEY=… with the key in it, and give the name: MY_KEY",
            )
        value = os.environ.get(name)
        problem = "is not set" if value is None else _unfit(value)
        if value is None or problem:
            raise ConfigError(
                f"environment variable {name} {problem}; {needed_by} needs it",
                where=f"environment {name}",
                hint=f"export {shlex.quote(name)}=… with the key and nothing else in it",
            )
        return cls(value)

    @classmethod
    def from_file(cls, path: Path, needed_by: str) -> Self:
        """The content of a file without its last line break. Raises ConfigError, also if others may read the file."""
        problem, value, hint = "", "", "a file with the key and nothing else in it, that only you may read: chmod 600"
        path = path.expanduser()
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                if not stat.S_ISREG(mode):
                    problem = "is not a regular file"
                elif mode & system.OTHER_USERS:
                    problem = f"may be used by others than its owner (mode {stat.S_IMODE(mode):04o})"
                    hint = f"chmod 600 {shlex.quote(str(path))}"
                else:
                    value = file.read(LONGEST).decode(errors="replace").removesuffix("\n").removesuffix("\r")
                    problem = _unfit(value)
        except OSError as error:
            problem = f"cannot be read: {(error.strerror or str(error)).lower()}"
        if problem:
            raise ConfigError(f"key file {path} {problem}; {needed_by} needs it", where=str(path), hint=hint)
        return cls(value)

    def reveal(self) -> str:
        """The value itself, for the call that sends it."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written to files")


def value_of(name: str, where: str) -> str:
    """The secret in the environment variable `name`, of which a setting, `where`, has the name. Raises ConfigError."""
    if not is_variable(name):
        raise ConfigError(f"{where} is not the name of an environment variable (its value is not shown)", where=where)
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigError(
            f"the environment variable {name} is not set", where=where, hint=f"export {shlex.quote(name)}=…"
        )
    return Secret(value).reveal()  # `redact` hides it from now on


def login(name: str, where: str) -> tuple[str, str]:
    """The user and the password in the environment variable `name`, as ``user:password``. Raises ConfigError."""
    user, colon, password = value_of(name, where).partition(":")
    if not colon:
        raise ConfigError(f"{name} is not user:password", where=where)
    if len(password) >= LONG:
        Secret(password)
    return user, password


def is_variable(name: str) -> bool:
    """Whether `name` can be the name of an environment variable, and does not look like a key itself."""
    looks_random = len(name) >= 20 and name.isalnum() and any(c.isdigit() for c in name)
    return _VARIABLE.fullmatch(name) is not None and not looks_random


def _unfit(value: str) -> str:
    """The fault of the key `value`, in words; empty: nothing."""
    if not value.strip():
        return "is empty"
    if not value.isascii() or not value.isprintable() or " " in value:
        return "holds a line break, a space or another character that no key has"
    return ""


def redact(text: str) -> str:
    """`text` with every known secret replaced by ``***``."""
    return re.sub("|".join(sorted(_known, key=len, reverse=True)), MASK, text) if _known else text


def looks_secret(value: str) -> bool:
    """Whether `value` contains something that looks like a key or token."""
    return bool(_SECRET_VALUE.search(value))


def masked(text: str) -> str:
    """`text` with ``***`` in place of everything that looks like a key or token."""
    return _SECRET_VALUE.sub("***", text)


def _in_json(value: str) -> str:
    """A pattern that matches `value` as it is and in JSON, nested to any depth: each level adds backslashes."""
    return "".join(r"\\+" if c == "\\" else rf"\\*{re.escape(c)}" if c in '"/' else re.escape(c) for c in value)
