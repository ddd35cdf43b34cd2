"""Questions from a data set on the Hugging Face hub, named hf://datasets/OWNER/NAME[/CONFIGURATION][@REVISION].

    pinned("hf://datasets/acme/logs")                → "hf://datasets/acme/logs@5f1c09ab…", the newest commit
    data_files("hf://datasets/acme/logs@5f1c09ab…")  → [DataFile(path=…, split="train", …), …]
    origin("hf://datasets/acme/logs@5f1c09ab…")      → {"questions": "hf://…", "licence": "mit"}

Only the card and the files with rows (`dstill.io.tables`) are downloaded, into the hub's own cache, and only those of
the configuration. No code of the repository is run, and none is downloaded. A commit is a hash of all files, so a
pinned name always gives the same rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dstill.errors import UsageError
from dstill.inputs.dataset_folders import CARD, DataFile, metadata_of, named, with_splits
from dstill.io.hub import connected, hub_errors
from dstill.io.logs import log
from dstill.io.units import size_on_disk

__all__ = ["data_files", "is_name", "is_pin_of", "origin", "pinned"]

SCHEME = "hf://"
_NAME = re.compile(
    r"hf://datasets/(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<config>[\w.-]+))?(?:@(?P<revision>[\w./-]+))?", re.ASCII
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class _Name:
    """A name, taken apart."""

    repo: str
    config: str
    revision: str  # empty: the newest commit

    @classmethod
    def parse(cls, text: str) -> _Name:
        """Raises UsageError."""
        match = _NAME.fullmatch(text)
        if match is None or ".." in text:
            raise UsageError(
                f"not the name of a data set on the hub: {text[:200]}",
                where="hf://",
                hint="write hf://datasets/OWNER/NAME, and after it /CONFIGURATION, @REVISION or both",
            )
        return cls(**{name: value or "" for name, value in match.groupdict().items()})

    @property
    def is_pinned(self) -> bool:
        return _COMMIT.fullmatch(self.revision) is not None

    @property
    def where(self) -> str:
        return f"datasets/{self.repo}"

    def __str__(self) -> str:
        config, revision = (
            f"{mark}{text}" if text else "" for mark, text in (("/", self.config), ("@", self.revision))
        )
        return f"hf://datasets/{self.repo}{config}{revision}"


def is_name(source: str | Path) -> bool:
    """Whether `source` is meant to be a name on the hub."""
    return str(source).startswith(SCHEME)


def is_pin_of(name: str, other: str) -> bool:
    """Whether `name` has a commit, and may be what `other` stood for: the same set, with a branch, a tag or nothing."""
    if not (is_name(name) and is_name(other)):
        return False
    this, another = _Name.parse(name), _Name.parse(other)
    return this.is_pinned and not another.is_pinned and replace(this, revision=another.revision) == another


def pinned(source: str) -> str:
    """`source` with the commit that it stands for now. A file or folder stays as it is.

    Asks the hub, unless the commit is in the name. Raises what `dstill.io.hub` raises.
    """
    if not is_name(source) or (name := _Name.parse(source)).is_pinned:
        return source
    api = connected(f"reading {source}")
    with hub_errors(name.where):
        commit = api.dataset_info(name.repo, revision=name.revision or None).sha
    return str(replace(name, revision=str(commit)))


def data_files(source: str) -> list[DataFile]:
    """The files with rows, downloaded. Raises DataError, UsageError and what `dstill.io.hub` raises."""
    name = _Name.parse(pinned(source))
    api = connected(f"reading {source}")
    with hub_errors(name.where):
        info = api.dataset_info(name.repo, revision=name.revision, files_metadata=True)
        sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
        metadata = metadata_of(_download(api, name, CARD)) if CARD in sizes else {}
        chosen = named(list(sizes), metadata, config=name.config, where=str(name))
        log.info("%s files of %s, %s", len(chosen), name, size_on_disk(sum(sizes[file.name] for file in chosen)))
        files = [(file, _download(api, name, file.name), f"{name}/{file.name}") for file in chosen]
    return with_splits(files, str(name))


def origin(source: str) -> dict[str, str]:
    """Name and licence of the data set `source`, for run.json and cards; empty if it is not from the hub.

    The licence is that of its card in the hub's cache; the hub is not asked.
    """
    if not is_name(source):
        return {}
    from huggingface_hub import try_to_load_from_cache

    name = _Name.parse(source)
    card = try_to_load_from_cache(name.repo, CARD, revision=name.revision, repo_type="dataset")
    metadata: Any = metadata_of(Path(card)) if isinstance(card, str) else {}
    licence = metadata.get("license_name") or metadata.get("license") or "unknown"
    return {"questions": source, "licence": ", ".join(licence) if isinstance(licence, list) else str(licence)}


def _download(api: Any, name: _Name, file: str) -> Path:
    return Path(api.hf_hub_download(name.repo, file, repo_type="dataset", revision=name.revision))
