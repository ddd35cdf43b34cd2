"""Questions that were written one by one, with the data that they are about: one compressed file for each task pack.

    python -m tools.base.written unpack sql            # → build/written/sql/vineyard/questions.jsonl, schema.sql, …
    python -m tools.base.written pack sql              # build/written/sql → tools/base/sql/written.jsonl.xz
    python -m tools.base.written check sql vineyard    # the answers, and their round trip in the linked form

The file has a line for each set, in the order of their names: ``{"name": "vineyard", "files": {"schema.sql": "…"}}``.
`pack` does not change a file that has the same content.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from dstill.io.strict_json import loads
from tools.base.pack import NAMES

__all__ = ["BUILD", "pack", "sets", "unpack"]

BUILD = Path("build/written")

Sets = Mapping[str, Mapping[str, str]]  # name → file → text


@cache
def sets(task: str) -> Sets:
    """The text of every file that was written for the pack of that name."""
    lines = lzma.decompress(_file(task).read_bytes()).decode().split("\n")[:-1]
    return {row["name"]: row["files"] for row in map(loads, lines)}


def unpack(task: str, folder: Path) -> int:
    """Write a folder for each set into `folder`, which must not exist. Returns their number."""
    folder.mkdir(parents=True)
    for name, files in sets(task).items():
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file).write_bytes(text.encode())
    return len(sets(task))


def pack(folder: Path, out: Path) -> int:
    """Write the sets of `folder` to `out`. Returns their number."""
    rows = [{"name": place.name, "files": _texts(place)} for place in sorted(folder.iterdir())]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if not out.exists() or lzma.decompress(out.read_bytes()) != content:
        out.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
    return len(rows)


def _texts(place: Path) -> dict[str, str]:
    return {file.name: file.read_bytes().decode() for file in sorted(place.iterdir())}


def _file(task: str) -> Path:
    return Path(__file__).parent / task / "written.jsonl.xz"


def _check(task: str, names: Sequence[str]) -> int:
    from dstill_querydsl.pack import QueryDsl
    from dstill_sql.pack import Sql
    from tools.base.faults import show
    from tools.base.querydsl import written as of_indices
    from tools.base.sql import written as of_databases

    if task == "sql":
        return show(Sql(), ((name, of_databases.questions(name)) for name in names or of_databases.NAMES))
    return show(QueryDsl(), ((name, of_indices.questions(name)) for name in names or of_indices.NAMES))


def main() -> int:
    parser = argparse.ArgumentParser(description="Unpack, pack or check the written questions of a base")
    parser.add_argument("command", choices=("unpack", "pack", "check"))
    parser.add_argument("task", choices=NAMES)
    parser.add_argument("names", nargs="*", help="check: only these sets")
    given = parser.parse_args()
    folder = BUILD / given.task
    if given.command == "check":
        return _check(given.task, given.names)
    if given.command == "unpack":
        if folder.exists():
            parser.error(f"{folder} exists: pack it, or delete it")
        print(f"{unpack(given.task, folder)} sets unpacked to {folder}")
    else:
        if not folder.is_dir():
            parser.error(f"{folder} does not exist: unpack first")
        print(f"{pack(folder, _file(given.task))} sets packed to {_file(given.task)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
