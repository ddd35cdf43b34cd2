"""Every error that a person can cause or meet, as one small tree.

    DstillError                     exit 1   a bug, or a subclass below
    ├── UsageError                       2   an option, argument or name that cannot be
    │   ├── ConfigError                  2   the same in dstill.toml or the environment
    │   └── MissingExtra                 2   a feature whose libraries are not installed
    ├── FailedItems                      3   the work ended, some items failed
    │   └── PluginError                  3   a plugin did not load, or two clash
    ├── DataError                        4   data or model files that cannot be used
    ├── RunError                         5   a run is locked, changed or corrupt
    │   └── TrustError                   5   a run or project asks for what its user has not allowed
    ├── AuthError                        6   a key was refused, or its quota is gone
    ├── ServiceError                     7   a service cannot be reached or is not what it should be
    │   └── ServicePause                 7   it is not to be asked for a long while: nobody asks it further
    ├── BudgetError                      8   a cap was reached
    ├── AnswerError                      9   an answer was refused or is invalid
    ├── TrainingError                   10   out of memory, NaN
    ├── DiskError                       11   no room, or no permission left, for what must be written
    └── Interrupted                    130   Ctrl-C

An error says three things, a line each: *what* happened, *where* (``file:line``,
JSON pointer or option) and *what to do* about it (``hint``).
"""

from __future__ import annotations

import contextlib
from difflib import get_close_matches
from typing import ClassVar, Iterable, Iterator

__all__ = [
    "AnswerError",
    "AuthError",
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
    "needs",
]


class DstillError(Exception):
    """What went wrong, where, and what to do next."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "bug"

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
    exit_code, code = 2, "usage"


class ConfigError(UsageError):
    code = "config"


class MissingExtra(UsageError):
    """A feature was asked for whose libraries are not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str, missing: str = "") -> None:
        verb = "are" if "," in missing else "is"
        what = f"{feature} needs the extra '{extra}'" + (f" ({missing} {verb} not installed)" if missing else "")
        super().__init__(what, hint=f"pip install 'dstill[{extra}]'")


@contextlib.contextmanager
def needs(feature: str, extra: str) -> Iterator[None]:
    """For imports of what an extra brings: raises MissingExtra where one fails."""
    try:
        yield
    except ImportError as error:
        raise MissingExtra(feature, extra, (error.name or "").partition(".")[0]) from error


class FailedItems(DstillError):
    exit_code, code = 3, "failed_items"


class PluginError(FailedItems):
    code = "plugin"


class DataError(DstillError):
    exit_code, code = 4, "data"


class RunError(DstillError):
    exit_code, code = 5, "run_state"


class TrustError(RunError):
    """`folder` asks for the `actions`, in words that a terminal can show, and nobody has allowed them."""

    code = "trust"
    folder: str = ""
    actions: tuple[tuple[str, str], ...] = ()  # what, and the setting that asks for it with its place


class AuthError(DstillError):
    exit_code, code = 6, "auth"


class ServiceError(DstillError):
    exit_code, code = 7, "service"


class ServicePause(ServiceError):
    """Ends all asking, not one item: the next question would be told the same."""

    code = "paused"


class BudgetError(DstillError):
    exit_code, code = 8, "budget"


class AnswerError(DstillError):
    exit_code, code = 9, "answer"


class TrainingError(DstillError):
    exit_code, code = 10, "training"


class DiskError(DstillError):
    exit_code, code = 11, "disk"


class Interrupted(DstillError):
    exit_code, code = 130, "interrupted"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the nearest of `known`, or nothing when none is near.

    >>> did_you_mean("genrate", ["generate", "train"])
    " Did you mean 'generate'?"
    """
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
