"""The data files of a folder of the `datasets` library, with the split of each. Nothing in the folder is executed.

    data_files(Path("mine"))
    [DataFile(path=Path("mine/data/train.jsonl"), split="train", …), DataFile(…, split="test", …)]

In: a folder in one of these forms.

    save_to_disk        state.json names the Arrow files of a folder; a folder of such folders has one for each split
    a hub repository    README.md says under ``configs`` which files each configuration has, and their splits
    other folders       the names of files and folders say the split: data/train-00000-of-00002.parquet, test/0.jsonl

Splits are called train, validation and test, or as dstill calls them. Files of another split, and those of a set that
has only ``train``, have none here: dstill divides their rows. Not covered: files at other addresses, archives, and
data sets that a program in the folder makes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from dstill.api.splits import SPLITS
from dstill.errors import DataError, needs
from dstill.io.files import reading
from dstill.io.logs import log
from dstill.io.plain_files import read_bounded
from dstill.io.tables import SUFFIXES

__all__ = ["CARD", "DataFile", "Named", "data_files", "metadata_of", "named", "with_splits"]

CARD = "README.md"
STATE = "state.json"  # of a folder that `save_to_disk` wrote
MOST_BYTES = 4 * 2**20  # of a card or a state
FACT_FILES = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", STATE, "metadata.json"}  # no rows in them
WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SHARD = re.compile(r"[-_.]?\d+-of-\d+$")


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file with rows."""

    path: Path
    shown: str  # its name in errors
    stem: str  # beginning of the ids of rows that have none; no two files of a set have the same
    split: str = ""  # one of `SPLITS`; empty: dstill divides its rows


@dataclass(frozen=True, kw_only=True)
class Named:
    """A file with rows by its name in the folder, as ``data/train.jsonl``."""

    name: str
    split: str  # as the folder calls it; empty: it does not say


def data_files(folder: Path) -> list[DataFile]:
    """The data files of a folder, each with its split. Raises DataError, UsageError, MissingExtra."""
    where = str(folder)
    with reading(folder):
        names = list(_names(folder))
    saved = [name.rpartition("/")[0] for name in names if PurePosixPath(name).name == STATE and name.count("/") < 2]
    if saved:
        files = [file for part in saved for file in _saved(folder, part)]
    else:
        files = named(names, metadata_of(folder / CARD), where=where)
    return with_splits([(file, folder / file.name, f"{where.rstrip('/')}/{file.name}") for file in files], where)


def with_splits(entries: Sequence[tuple[Named, Path, str]], where: str) -> list[DataFile]:
    """The files with the splits that dstill knows. Each is given with its path and its name in errors."""
    files = [
        DataFile(path=path, shown=shown, stem=PurePosixPath(row.name).with_suffix("").as_posix().replace("/", "-"))
        for row, path, shown in entries
    ]
    splits = [_split(row.split) for row, _, _ in entries]
    others = sorted({row.split for row, split in zip((row for row, _, _ in entries), splits, strict=True) if not split})
    if set(splits) == {"train"}:  # what the library calls rows that nobody has divided
        return files
    if named_otherwise := [f"'{name}'" for name in others if name]:
        log.warning("dstill divides the rows of split %s itself (%s)", ", ".join(named_otherwise), where)
    return [replace(row, split=split) for row, split in zip(files, splits, strict=True)]


def _names(folder: Path) -> Iterator[str]:
    """The names of all files below `folder`, without hidden ones."""
    for place, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files):
            if not name.startswith("."):
                yield (Path(place) / name).relative_to(folder).as_posix()


def _raise(error: OSError) -> None:
    raise error


# --- save_to_disk -----------------------------------------------------------------------


def _saved(folder: Path, part: str) -> list[Named]:
    """The Arrow files that the state of the folder `part` names, which is the split; empty: `folder` itself."""
    file = folder / part / STATE
    try:
        state = json.loads(read_bounded(file, MOST_BYTES))
        shards = [str(file["filename"]) for file in state["_data_files"]]
        split = part or str(state.get("_split") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError("this is not a state of `save_to_disk`", where=f"{file}: {error}") from None
    for name in shards:
        if PurePosixPath(name).name != name or not name.endswith(".arrow"):
            raise DataError(f"names a file that is not an Arrow file in its folder: {name[:80]!r}", where=str(file))
    return [Named(name=f"{part}/{name}" if part else name, split=split) for name in shards]


# --- the layouts of the hub -------------------------------------------------------------


def metadata_of(card: Path) -> Mapping[str, Any]:
    """The metadata at the top of a card that dstill reads; empty without a card. Raises DataError, MissingExtra."""
    try:
        text = read_bounded(card, MOST_BYTES).decode("utf-8-sig", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"cannot read the card of the data set: {error.strerror}", where=str(card)) from None
    if not re.search(r"^(configs|license(_name)?)\s*:", text, re.MULTILINE):  # what dstill reads of it
        return {}
    with needs("reading the configurations of a data set", "hub"):
        from huggingface_hub.repocard import RepoCard
    try:
        card_data: Any = RepoCard(text, ignore_metadata_errors=True).data
        facts = card_data.to_dict()
    except Exception as error:  # of the library's YAML parser, which it does not export
        raise DataError(
            f"the metadata of the card is not valid YAML: {type(error).__name__}", where=str(card)
        ) from None
    return facts if isinstance(facts, Mapping) else {}


def named(names: Sequence[str], metadata: Mapping[str, Any], *, config: str = "", where: str) -> list[Named]:
    """The data files among `names`, by the card's metadata or by their names. Raises DataError.

    `config`: the configuration to read; empty: the only one, or the default.
    """
    data = [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in SUFFIXES and PurePosixPath(name).name not in FACT_FILES
    ]
    configs = metadata.get("configs")
    if isinstance(configs, list) and configs:
        files = _from_config(data, _chosen(configs, config, where), where)
    else:
        files = _by_name([name for name in data if not config or name.startswith(f"{config}/")])
    if not files:
        what = f"no data files{f' of the configuration {config!r}' if config else ''}"
        code = any(PurePosixPath(name).suffix == ".py" for name in names)
        raise DataError(
            f"{what}: {_some(names)}",
            where=where,
            hint="a program makes these data, and dstill runs none: name the revision refs/convert/parquet if it exists"
            if code
            else f"files with rows end in {', '.join(SUFFIXES)}",
        )
    suffixes = sorted({PurePosixPath(file.name).suffix.lower() for file in files})
    if len(suffixes) > 1:
        raise DataError(
            f"files of several formats ({', '.join(suffixes)}), and nothing says which to read",
            where=where,
            hint="name one file, or the folder of one format",
        )
    return files


def _chosen(configs: Sequence[Any], config: str, where: str) -> Mapping[str, Any]:
    known = {str(config.get("config_name")): config for config in configs if isinstance(config, Mapping)}
    if config:
        if config not in known:
            raise DataError(f"no configuration '{config}'", where=where, hint=f"it has {', '.join(known)}")
        return known[config]
    default = [config for name, config in known.items() if name == "default" or config.get("default") is True]
    if len(known) > 1 and not default:
        raise DataError(
            f"several configurations: {', '.join(known)}",
            where=where,
            hint="name one: hf://datasets/OWNER/NAME/CONFIGURATION, or the folder or file of one",
        )
    return default[0] if default else next(iter(known.values()), {})


def _from_config(data: Sequence[str], config: Mapping[str, Any], where: str) -> list[Named]:
    """The files of a configuration. Patterns match names in the folder, so no other file or address is read."""
    below, files = str(config.get("data_dir") or "").strip("/"), config.get("data_files")
    data = [name for name in data if not below or name.startswith(f"{below}/")]
    if files is None:
        return _by_name(data)
    if isinstance(files, Mapping) and "path" not in files:
        files = [{"split": split, "path": path} for split, path in files.items()]
    parts = [files] if isinstance(files, (str, Mapping)) else files
    if not isinstance(parts, list):
        raise DataError("data_files of a configuration is neither a text nor a list", where=where)
    matched = []
    for part in parts:
        split = str(part.get("split") or "") if isinstance(part, Mapping) else ""
        paths = part.get("path") if isinstance(part, Mapping) else part
        for pattern in paths if isinstance(paths, list) else [paths]:
            glob = str(pattern).removeprefix("./")
            hits = [name for name in data if _matches(glob, name.removeprefix(f"{below}/") if below else name)]
            if not hits:
                raise DataError(f"no file matches {str(pattern)[:100]!r}, which the card names", where=where)
            matched += [Named(name=hit, split=split or ("train" if len(parts) > 1 else "")) for hit in hits]
    return matched


def _matches(glob: str, name: str) -> bool:
    """Whether a pattern matches a name: ``*`` within one folder, ``**`` in any depth."""
    parts, reached = name.split("/"), {0}  # how many parts of the name the pattern covers so far
    for piece in glob.split("/"):
        if piece == "**":
            reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], piece)}
    return len(parts) in reached


def _by_name(data: Sequence[str]) -> list[Named]:
    """The files with the splits that their names say. If some say one, the others are not read."""
    files = [Named(name=name, split=_split_in(name)) for name in data]
    divided = [file for file in files if file.split]
    if divided and len(divided) < len(files):
        left = [file.name for file in files if not file.split]
        log.warning("not read, as their names say no split: %s", _some(left))
    return divided or files


def _split_in(name: str) -> str:
    """The split that a name says: its stem, or a word in it, or in the nearest of its folders that says one."""
    path = PurePosixPath(name)
    for part in (path.stem, *reversed(path.parent.parts)):
        part = _SHARD.sub("", part)
        if part in SPLITS:
            return part
        for word in re.split(r"[^a-z0-9]+", part.lower()):
            if word in WORDS:
                return WORDS[word]
    return ""


def _split(name: str) -> str:
    """Dstill's name of a split; empty: it has none for it."""
    if name in SPLITS:
        return name
    return WORDS.get(re.split(r"[^a-z0-9]+", name.lower())[0], "")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3]) or 'it is empty'}{more}"
