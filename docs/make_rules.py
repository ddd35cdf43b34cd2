"""Writes docs/check_rules.md: the rules of `dstill check`, from the codes that the built-in task packs explain.

    python docs/make_rules.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

from pathlib import Path

from dstill_querydsl.files.codes import CODES as QUERYDSL
from dstill_sql.files.codes import CODES as SQL

FILE = Path(__file__).parent / "check_rules.md"
HEAD = """# Rules of `dstill check`

<!-- Written by docs/make_rules.py from the packs' files/codes.py: change those, then `make docs`. -->

[`dstill check`](check.md) names a rule by the layer of checks that found the problem, and its code:
`schema/unknown_option`. `--ignore CODE` turns one off. A row that cannot be read has the code `bad_row`, a file
`not_utf8`.
"""


def main() -> None:
    FILE.write_text(text())


def text() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, codes in (("Query DSL", QUERYDSL), ("SQL", SQL)):
        rows = "".join(f"- `{code}`: {sentence}\n" for code, sentence in sorted(codes.items()))
        parts.append(f"\n## {name}\n\n{rows}")
    return "".join(parts)


if __name__ == "__main__":
    main()
