"""All errors that a user can see, as one small tree.

    DstillError                     exit 1   a bug, or a subclass below
    ├── UsageError                       2   an invalid option, argument, name or path
    │   ├── ConfigError                  2   an invalid setting in dstill.toml, the environment or an option
    │   └── MissingExtra                 2   the libraries of a feature are not installed
    ├── FailedItems                      3   the command ended, but some items failed
    │   └── PluginError                  3   a plugin did not load, or two plugins clash
    ├── DataError                        4   data or model files cannot be used
    │   └── BadRequest                   4   a service refused a request as wrong
    ├── RunError                         5   a run is locked, changed or corrupt
    │   └── TrustError                   5   a run or project asks for something that its user has not allowed
    ├── AuthError                        6   a key was refused, or its quota is used up
    ├── ServiceError                     7   a service cannot be reached, or does not answer as it should
    │   └── ServicePause                 7   the service asks for a long pause, so dstill stops asking
    ├── BudgetError                      8   a cap was reached
    ├── AnswerError                      9   an answer was refused or is invalid
    ├── TrainingError                   10   training failed: out of memory, NaN
    ├── DiskError                       11   the disk is full, read-only or broken
    └── Interrupted                    130   Ctrl-C

An error has three parts, each on its own line: *what* happened, *where* (``file:line``, JSON pointer or option) and
*what to do* about it (the hint).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import ClassVar

__all__ = [
    "AnswerError",
    "AuthError",
    "BadRequest",
    "BudgetError",
    "ConfigError",
    "DataError",
    "DiskError",
    "DstillError",
    "FailedItems",
    "Interrupted",
    "MissingExtra",
    "PluginError",
    "RunError",
    "ServiceError",
    "ServicePause",
    "TrainingError",
    "TrustError",
    "UsageError",
    "did_you_mean",
    "first_line",
    "needs",
]


class DstillError(Exception):
    """Base of all errors: what went wrong, where, and what to do next."""

    exit_code: ClassVar[int] = 1  # of the command that it ends
    code: ClassVar[str] = "bug"  # stable name, in ``--json`` output

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.where, self.hint) if line)

    def as_json(self) -> dict[str, str]:
        """The value of ``error`` in ``--json`` output."""
        return {"code": self.code, "message": self.what, "hint": self.hint, "where": self.where}


class UsageError(DstillError):
    """An invalid option, argument, name or path."""

    exit_code, code = 2, "usage"


class ConfigError(UsageError):
    """An invalid setting in dstill.toml, the environment or an option."""

    code = "config"


class MissingExtra(UsageError):
    """The libraries of a feature are not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str, missing: str = "") -> None:
        verb = "are" if "," in missing else "is"
        what = f"{feature} needs the extra '{extra}'" + (f" ({missing} {verb} not installed)" if missing else "")
        super().__init__(what, hint=f"pip install 'dstill[{extra}]'")


@contextlib.contextmanager
def needs(feature: str, extra: str) -> Iterator[None]:
    """Wrap imports of the libraries of an extra: raises MissingExtra if one is not installed."""
    try:
        yield
    except ImportError as error:
        raise MissingExtra(feature, extra, (error.name or "").partition(".")[0]) from error


class FailedItems(DstillError):
    """The command ended, but some items failed."""

    exit_code, code = 3, "failed_items"


class PluginError(FailedItems):
    """A plugin did not load, or two plugins clash."""

    code = "plugin"


class DataError(DstillError):
    """Data or model files cannot be used."""

    exit_code, code = 4, "data"


class BadRequest(DataError):
    """A service refused a request as wrong: the same request would be refused again."""

    code = "bad_request"


class RunError(DstillError):
    """A run is locked, changed or corrupt."""

    exit_code, code = 5, "run_state"


class TrustError(RunError):
    """The run or project in `folder` asks for `actions` that its user has not allowed."""

    code = "trust"
    folder: str = ""
    actions: tuple[tuple[str, str], ...] = ()  # pairs of an action in words and the setting that asks for it


class AuthError(DstillError):
    """A service refused the key, or the key's quota is used up."""

    exit_code, code = 6, "auth"


class ServiceError(DstillError):
    """A service cannot be reached, or does not answer as it should."""

    exit_code, code = 7, "service"


class ServicePause(ServiceError):
    """A service asks for a long pause. It ends the whole stage: the next request would get the same answer."""

    code = "paused"


class BudgetError(DstillError):
    """A cap on costs, tokens, requests or time was reached."""

    exit_code, code = 8, "budget"


class AnswerError(DstillError):
    """An answer was refused or is invalid."""

    exit_code, code = 9, "answer"


class TrainingError(DstillError):
    """Training failed: out of memory, NaN, or another process ended."""

    exit_code, code = 10, "training"


class DiskError(DstillError):
    """The disk is full, read-only or broken."""

    exit_code, code = 11, "disk"


class Interrupted(DstillError):
    """The user pressed Ctrl-C."""

    exit_code, code = 130, "interrupted"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the most similar of `known`; empty if none is similar.

    >>> did_you_mean("genrate", ["generate", "train"])
    " Did you mean 'generate'?"
    """
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def first_line(error: BaseException) -> str:
    """The first line of the error's message that is not blank, else its class name."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
