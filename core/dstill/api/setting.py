"""Keys of a section in dstill.toml: the fields of a `Config`.

@dataclass(frozen=True, kw_only=True)
class Config:
rows: int = setting(8000, "Questions of all splits.", low=10, high=10**6)
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

__all__ = ["setting"]


def setting(default: Any, help: str, **metadata: Any) -> Any:
    """A field with a default, and the metadata that `dstill.config` reads.

    Args:
        default: The value if nobody sets the key, or a class whose empty instance it is: dict.
        help: What the key means, for `dstill config show` and the docs.
        metadata: `low` and `high`: the smallest and largest number. `describes`: True: it names a file that describes
            the data, of which a bundle has a copy. `trust`: what the value lets a stranger's file do (`dstill.trust`).
    """
    about = {"help": help, **metadata}
    return field(default_factory=default, metadata=about) if default is dict else field(default=default, metadata=about)
