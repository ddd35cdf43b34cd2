"""How executors reach an engine, and what they report about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill.api.setting import setting
from dstill.errors import DstillError

__all__ = ["Change", "CheckResult", "Engine", "ProjectFiles"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How an executor reaches the engine that runs answers: the ``[engine]`` section.

    Every executor that talks to a server can need these. Settings that only one executor understands are in its own
    section, ``[executor.NAME]`` (`Part.Config`).
    """

    name: str = setting("", "The executor. Empty: the task's default, or the one that `url` needs.")
    url: str = field(
        default="",
        metadata={
            "help": "Address of your server. Empty: the embedded engine.",
            "trust": "address",
            "any_scheme": True,  # executors say which ones they take
        },
    )
    api_key_env: str = setting("", "Environment variable that holds an API key.", trust="variable")
    api_key_file: str = setting("", "File that holds the API key. Only you may be able to read it.", trust="key file")
    basic_auth_env: str = setting("", "Environment variable that holds `user:password`.", trust="variable")
    ca_certs: str = setting(
        "", "File with the certificate of the CA that signed the server's certificate.", trust="ca file"
    )
    load_data: bool = setting(False, "Copy the task's bundled data to the server under a new name.", trust="write")
    timeout: float = setting(30.0, "Timeout of a request, in seconds.", low=0.1, high=3600, trust="limits")


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A fact about an engine, or the result of one check of it, for `dstill doctor`."""

    name: str  # what was checked
    found: str = ""  # the engine's answer; if it was not checked: why not
    expected: str = ""  # the answer that `found` should be; empty: this is a fact, not a check
    problem: DstillError | None = None  # what is wrong; `doctor` exits with its exit code
    checked: bool = True  # False: the check was not possible here
    advice: str = ""  # what the user could do although nothing is wrong; may have several lines


@dataclass(frozen=True, kw_only=True)
class ProjectFiles:
    """The files that `dstill init` adds to a new project for the user's own data."""

    files: Mapping[str, str]  # name in the project's folder → text
    settings: Mapping[str, Any]  # by dotted key, for dstill.toml; must not hold a secret
    recipe: Mapping[str, Any] = field(default_factory=dict)  # for the default kind of student, from scratch
    about: tuple[str, ...] = ()  # lines for the user: what was read and what was not
    brief: tuple[str, ...] = ()  # those of them that a person who only asks a question needs


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change in the data that an executor runs answers on."""

    message: str  # for the user, one line
    breaks: bool = False  # True: earlier questions may no longer have an answer
