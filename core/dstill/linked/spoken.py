"""Names of items in plain words, and lists in a sentence.

spoken_names(["jobs.labour_eur", "jobs.id", "sites.id"])
→  {"jobs.labour_eur": "labour eur", "jobs.id": "jobs id", "sites.id": "sites id"}
listed(["a", "b", "c"])     →  "a, b and c"
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dstill.linked.names import words_in

__all__ = ["listed", "spoken_names"]


def spoken_names(names: Iterable[str]) -> dict[str, str]:
    """Full name → plain words, in lower case: no two are alike.

    The words are those of the last part, after the last dot, if no other name has the same. Otherwise they are those of
    all parts, and a name stays as it is where even these are alike or it has no words.
    """
    forms = {name: _forms(name) for name in names}
    levels = dict.fromkeys(forms, 0)
    while True:
        alike = defaultdict(list)
        for name, level in levels.items():
            alike[forms[name][level]].append(name)
        again = [same for same in alike.values() if len(same) > 1]
        if not again:
            return {name: forms[name][level] for name, level in levels.items()}
        for same in again:
            least = min(levels[name] for name in same)
            levels.update((name, least + 1) for name in same if levels[name] == least)


def listed(texts: Sequence[str], last: str = "and") -> str:
    """The texts with commas, and the word `last` before the last one. Empty: there are none."""
    return f" {last} ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def _forms(name: str) -> tuple[str, str, str]:
    """The words of the last part, those of all parts, and the name itself."""
    short, full = (" ".join(words_in(part)).lower() for part in (name.rpartition(".")[2], name))
    return short or full or name, full or name, name
