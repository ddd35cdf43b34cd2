"""Texts that could be SQL answers: everyday ones, hostile ones, and what lies between.

made = Texts(random.Random(7), "duckdb")
made.query()      "SELECT EXTRACT('year from hired), secret from emp --' FROM hired) FROM emp"
made.mutant()     an everyday query with words that are swapped, dropped, doubled or replaced
made.ddl()        CREATE TABLE statements, as the schema of a dataset's row has them
made.costly()     a query whose texts grow, or that reads many rows

Each place of a template may get a leaf that does not belong there: names and texts in every kind of quotes of the
engines, with the ends of statements in them. `sql_texts.txt` has the words and the templates. In a template, ``{e}``
stands for an expression, ``{q}`` a query, ``{o}`` an output, ``{t}`` tables, ``{c}`` a column,
``{a}`` a table, ``{n}`` a name, ``{u}``
a unit, ``{y}`` a type, ``{v}`` a number, ``{s}`` a text, ``{m}`` a format of dates, ``{f}`` a function, ``{k}`` a
keyword, ``{d}`` the definition of a column, ``{g}`` a text that grows, and ``{l}`` any leaf.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dstill_sql.language.dialects import Dialect

__all__ = ["CANARIES", "DENIED", "OPEN", "Texts", "rows", "statements"]

SECRET, HIDDEN = "canary-of-a-column", "canary-of-a-table"  # no result of an answer may have them
CANARIES = (SECRET, HIDDEN)
DENIED = ("hidden", "emp.secret", "boxes.deep")
OPEN = ("hidden",)  # stars may be read
_SCHEMA = """
CREATE TABLE dept (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40));
CREATE TABLE emp (
  id INTEGER PRIMARY KEY, name VARCHAR(40), dept_id INTEGER REFERENCES dept (id), manager_id INTEGER,
  salary DECIMAL(10, 2), bonus INTEGER, rating REAL, active BOOLEAN, note VARCHAR(4000), hired DATE, seen TIMESTAMP,
  secret VARCHAR(40)
);
CREATE TABLE task (
  id INTEGER PRIMARY KEY, emp_id INTEGER REFERENCES emp (id), hours REAL, done BOOLEAN
);
CREATE TABLE hidden (id INTEGER, secret VARCHAR(40));
"""
_STRUCT = "CREATE TABLE boxes (id INTEGER PRIMARY KEY, label VARCHAR(40), deep STRUCT(word VARCHAR));\n"  # of DuckDB
_ROWS: Mapping[str, list[list[Any]]] = {
    "dept": [[1, "Sales", "Oslo"], [2, "IT", "Bergen"], [3, "Empty", None]],
    "emp": [
        [n, f"name {n}", 1 + n % 2, n - 1 or None, n * 1000.5, n, n / 2, n % 2 == 0, "100% it's", f"2020-02-{n + 10}",
         f"2024-03-{n + 10} 00:10:00", SECRET]
        for n in range(1, 5)
    ],
    "task": [[n, n, n / 4, True] for n in range(1, 5)],
    "hidden": [[1, HIDDEN]],
}  # fmt: skip


def statements(dialect: Dialect) -> str:
    """The schema of the database that the texts are about."""
    return _SCHEMA + _STRUCT * (dialect == "duckdb")


def rows(dialect: Dialect) -> dict[str, list[list[Any]]]:
    """Its rows, with the canaries."""
    boxes = {"boxes": [[1, "a", {"word": SECRET}]]} if dialect == "duckdb" else {}
    return {**_ROWS, **boxes}


# --- leaves -----------------------------------------------------------------------------

PAYLOADS = (
    "year from hired), secret from emp --",
    "year from hired), pg_sleep(2) from emp --",
    "year from hired) from emp; create table zz as select 42 --",
    "1)), secret from emp --",
    "1) from emp; delete from emp; --",
    "x, secret from emp --",
    "x from hidden --",
    '" , secret from emp --',
    "' , secret from emp --",
    "') from emp union all select secret from hidden --",
    "\\' , secret from emp --",
    "\\",
    "\\'",
    "$$ , secret from emp --",
    "]] , secret from emp --",
    "` , secret from emp --",
    "/*",
    "*/ secret /*",
    "--",
    ";",
    "a b",
    "",
    " ",
    "\t",
    "\n",
    "\x01",
    "\x1f",
    "\x7f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\u0131d",  # a dotless i
    "\u212a",  # the sign of kelvin, which folds to k
    "\u017fecret",  # a long s
    "sec\u00adret",
    "%s %d {} {0} :x ? $1 @x",
    "secret",
    "SECRET",
    "emp.secret",
    "hidden",
    "sqlite_master",
    "pg_authid",
    "/etc/passwd",
    "x" * 300,
    "é" * 70,
)
FORMATS = (
    "%Y-%m-%d",
    "%Y",
    "%s",
    "YYYY-MM-DD",
    '"x" YYYY',
    "%",
    "%%",
    "%-d %J %f",
    "it's",
    "HH24:MI",
    "FMMonth",
    "%Q%",
)

_WORDS = ("names", "numbers", "units", "functions", "keywords", "signs")
_SECTIONS = (*_WORDS, "types", "expressions", "queries", "sources", "column_defs", "tables", "growing", "costly")
_SLOT = re.compile(r"\{(\w)\}")
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|\s+|.", re.DOTALL)
_ALIASES = ("emp", "e", "d", "q", "w", "dept", "task", "boxes", "main", "deep", "public")


def _sections() -> dict[str, list[str]]:
    """Name → the words of a section, or its templates: those have spaces in them."""
    sections: dict[str, list[str]] = {}
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines()[1:]:
        if line.startswith("[") and line[1:-1] in _SECTIONS:
            sections[line[1:-1]] = lines = []
        else:
            lines.append(line)
    return {name: " ".join(kept).split() if name in _WORDS else kept for name, kept in sections.items()}


PARTS = _sections()


class Texts:
    """Makes texts by the choices of `rng`, for one dialect. `queries`: everyday ones, to mutate."""

    def __init__(self, rng: random.Random, dialect: Dialect, queries: Sequence[str] = ()) -> None:
        self.rng, self.dialect, self._queries = rng, dialect, queries
        self._odd = rng.choice((0.0, 0.03, 0.15))  # how often a leaf does not belong
        self._deepest = rng.choice((1, 2, 3))

    def query(self) -> str:
        return self._filled(self.rng.choice(PARTS["queries"]), 0)

    def costly(self) -> str:
        self._odd = 0.0
        return self._filled(self.rng.choice(PARTS["costly"]), 0)

    def ddl(self) -> str:
        return self._filled(self.rng.choice(PARTS["tables"]), 1)

    def mutant(self) -> str:
        """An everyday query, with a few changes of its words."""
        words = self._words()
        for _ in range(self.rng.choice((0, 1, 1, 2, 3))):
            at = self.rng.randrange(len(words) or 1)
            kind = self.rng.choice(("swap", "drop", "double", "replace", "insert", "splice"))
            if kind == "swap" and words:
                other = self.rng.randrange(len(words))
                words[at], words[other] = words[other], words[at]
            elif kind == "drop":
                del words[at : at + self.rng.randint(1, 3)]
            elif kind == "double":
                words[at:at] = words[at : at + self.rng.randint(1, 6)]
            elif kind == "splice":
                other_words = self._words()
                words[at:] = other_words[self.rng.randrange(len(other_words)) :]
            else:
                words[at : at + (kind == "replace")] = [" ", self.leaf(), " "]
        return "".join(words)

    def _words(self) -> list[str]:
        return _TOKEN.findall(self.rng.choice(self._queries))

    def leaf(self) -> str:
        """Any leaf."""
        return self.rng.choice((self._quoted, self._plain))()

    def _plain(self) -> str:
        return self.rng.choice(
            self.rng.choice(
                (
                    PARTS["names"],
                    PARTS["numbers"],
                    PARTS["units"],
                    PARTS["types"],
                    PARTS["functions"],
                    PARTS["keywords"],
                    PARTS["signs"],
                )
            )
        )

    def _quoted(self) -> str:
        """A payload in quotes of some kind, not always well."""
        text = self.rng.choice(PAYLOADS)
        double, single = text.replace('"', '""'), text.replace("'", "''")
        escaped = "".join(f"\\{ord(char):04x}" if ord(char) < 0x10000 else char for char in text[:60])
        return self.rng.choice(
            (
                f'"{double}"', f'"{double}"', f"'{single}'", f"'{single}'", f"E'{single}'", f"E'{text}\\''",
                f"e'{single.encode('unicode_escape').decode()}'", f"U&'{escaped}'", f'U&"{escaped}"', f"$${text}$$",
                f"$x${text}$x$", f"`{text}`", f"[{text}]", f"X'{text.encode().hex()}'", f"B'{text}'", f"N'{single}'",
                f"'{single}' '{single}'", f"'{single}'\n'{single}'", f'"{text}"', f"'{text}'", text,
                f"r'{single}'", f'"{double}"."{double}"', f"U&'{single}' UESCAPE '!'", f"/*{text}*/x",
            )
        )  # fmt: skip

    def _filled(self, template: str, depth: int) -> str:
        return _SLOT.sub(lambda found: self._slot(found[1], depth), template)

    def _slot(self, kind: str, depth: int) -> str:
        if kind not in "qogd" and self.rng.random() < self._odd:
            return self.leaf()
        choose = self.rng.choice
        if kind == "e":
            return (
                self._slot("c", depth)
                if depth >= self._deepest
                else self._filled(choose(PARTS["expressions"]), depth + 1)
            )
        if kind == "q":
            return "SELECT id FROM emp" if depth >= self._deepest else self._filled(choose(PARTS["queries"]), depth + 1)
        if kind == "g":
            return "note" if depth > 7 else self._filled(choose(PARTS["growing"]), depth + 1)
        return self._small(kind, depth)

    def _small(self, kind: str, depth: int) -> str:
        choose = self.rng.choice
        makes: Mapping[str, Callable[[], str]] = {
            "o": lambda: self._slot("e", depth) + choose(("", "", f" AS {self._slot('n', depth)}")),
            "t": lambda: self._filled(choose(PARTS["sources"][: 5 if depth >= self._deepest else None]), depth + 1),
            "d": lambda: self._filled(choose(PARTS["column_defs"]), depth + 1),
            "c": lambda: choose(PARTS["names"][:12]),
            "a": lambda: choose(_ALIASES),
            "n": lambda: choose(PARTS["names"]),
            "u": lambda: choose(PARTS["units"]),
            "y": lambda: choose(PARTS["types"]),
            "v": lambda: choose((*"0123", "10", "38", "1000", "999999", choose(PARTS["numbers"]))),
            "f": lambda: choose(PARTS["functions"]),
            "k": lambda: choose(PARTS["keywords"]),
            "m": lambda: "'" + choose(FORMATS).replace("'", "''") * choose((1, 1, 40)) + "'",
            "l": self.leaf,
            "s": lambda: choose(("'a'", "'%a%'", "''", "'2024-01-01'", "'1 day'", f"'{'ab' * choose((1, 50, 4000))}'")),
        }
        return makes[kind]()
