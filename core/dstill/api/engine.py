"""How answers reach an engine, and what is found out about one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from dstill.errors import DstillError

__all__ = ["Change", "CheckResult", "Engine", "ProjectFiles"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How an executor reaches what runs answers: the ``[engine]`` section.

    What only one executor understands is in its own section, ``[executor.NAME]`` (`Part.Config`).
    """

    name: str = field(
        default="", metadata={"help": "The executor. Empty: the task's default, or the one that `url` needs."}
    )
    url: str = field(
        default="", metadata={"help": "Address of your server. Empty: the embedded engine.", "trust": "address"}
    )
    api_key_env: str = field(
        default="", metadata={"help": "Environment variable that holds an API key.", "trust": "variable"}
    )
    api_key_file: str = field(
        default="",
        metadata={"help": "File that holds the API key. Only you may be able to read it.", "trust": "key file"},
    )
    basic_auth_env: str = field(
        default="", metadata={"help": "Environment variable that holds `user:password`.", "trust": "variable"}
    )
    ca_certs: str = field(
        default="",
        metadata={
            "help": "File with the certificate of the CA that signed the server's certificate.",
            "trust": "ca file",
        },
    )
    ca_fingerprint: str = field(
        default="",
        metadata={"help": "SHA-256 fingerprint of that CA's certificate, instead of the file.", "trust": "ca"},
    )
    load_data: bool = field(
        default=False,
        metadata={"help": "Write the task's own data to the server, to a place made for it.", "trust": "write"},
    )
    timeout: float = field(
        default=30.0, metadata={"low": 0.1, "high": 3600, "help": "Timeout of a request, in seconds."}
    )


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One thing that an executor found out about its engine, for `dstill doctor`."""

    name: str
    found: str = ""  # what the engine said or answered; of what was not checked: why not
    expected: str = ""  # the known answer, as `found` would have it; empty: a fact to tell, no check
    problem: DstillError | None = None  # what is wrong, and with which exit code `doctor` ends
    checked: bool = True  # False: it could not be asked here
    advice: str = ""  # what to do although nothing is wrong, in as many lines as it takes


@dataclass(frozen=True, kw_only=True)
class ProjectFiles:
    """What `dstill init` writes for data of the user's own, beside what it always writes."""

    files: Mapping[str, str]  # name in the project's folder → text
    settings: Mapping[str, Any]  # by dotted key, for dstill.toml; never a secret
    recipe: Mapping[str, Any] = field(default_factory=dict)  # likewise, for a student that begins from nothing
    about: tuple[str, ...] = ()  # lines for a person: what was read, and what was left out


@dataclass(frozen=True, kw_only=True)
class Change:
    """How the data behind an executor differs from what it was."""

    message: str
    breaks: bool = False  # questions of then may have no answer now
