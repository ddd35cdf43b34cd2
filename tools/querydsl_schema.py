"""Derives the schema of search bodies from the installed Elasticsearch client, for the Query DSL pack.

    python -m tools.querydsl_schema        # `make docs`

Run it after an update of the client: a test asserts that the files are what this makes.
"""

from __future__ import annotations

import gzip
import json

from dstill_querydsl.language.schema import DIALECTS, FOLDER
from dstill_querydsl.language.schema.derivation import derive

__all__ = ["main"]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for dialect in DIALECTS:
        file, text = FOLDER / f"{dialect}.json.gz", json.dumps(derive(dialect))
        if not file.exists() or gzip.decompress(file.read_bytes()).decode() != text:  # compression may differ
            file.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
