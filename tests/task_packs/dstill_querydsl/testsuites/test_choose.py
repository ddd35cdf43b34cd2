"""Which candidates are kept, on a fake engine: a document matches what it names."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.testdata.choose import LEAST, choose
from dstill_querydsl.testdata.documents import Candidate

GOLD = {"match": "gold"}
OPENED: list[Any] = []


@contextlib.contextmanager
def on(documents: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Any]:
    def run(body: Mapping[str, Any]) -> Outcome:
        wanted = body["match"]
        if ("refuses", {}) in documents:
            return Outcome(kind=OutcomeKind.INVALID, reason="too many buckets")
        if wanted == "strange":
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason="unsupported")
        return Outcome(kind=OutcomeKind.OK, value=[name for name, source in documents if wanted in source])

    OPENED.append(documents)
    yield run


def candidate(name: str, *words: str) -> Candidate:
    """Tells the gold from every body but those that match `words`."""
    return Candidate(name=name, documents=[(name, {"gold": 1, **dict.fromkeys(words, 1)})])


def choose_for(candidates: Sequence[Candidate], mutants: Sequence[str], k: int = 5, gold: Any = GOLD) -> Any:
    bodies = [{"match": word} for word in mutants]
    return choose(candidates, gold, bodies, on, lambda got, want: bool(got == want), lambda want: not want, k)


def test_keeps_candidates_that_kill_a_survivor_and_no_more() -> None:
    given = [candidate("a", "x", "y"), candidate("b", "x", "y"), candidate("c", "x", "y"), candidate("d", "x")]
    found = choose_for(given, ["x", "y", "z"])
    # the first two whatever they tell, then what tells more
    assert [one.name for one in found.databases] == ["a", "b", "d"]
    given = [candidate(str(n), *"abcdefgh".replace("abcdefgh"[n], "")) for n in range(8)]
    assert len(choose_for(given, list("abcdefgh"), k=4).databases) == 4
    assert len(choose_for(given, list("abcdefgh"), k=1).databases) == 1
    assert len(choose_for(given, [], k=5).databases) == LEAST


def test_skips_what_cannot_run() -> None:
    refusing = Candidate(name="bad", documents=[("refuses", {})])
    assert [one.name for one in choose_for([refusing, candidate("a"), candidate("b")], ["x"]).databases] == ["a", "b"]
    alone = choose_for([refusing], ["x"])
    assert (alone.databases, alone.reason) == ([], "too many buckets")
    OPENED.clear()
    found = choose_for([candidate("a"), candidate("b")], ["x"], gold={"match": "strange"})
    assert (found.databases, found.reason, len(OPENED)) == ([], "unsupported", 1)
    OPENED.clear()
    assert [one.name for one in choose_for([candidate(name) for name in "abcd"], ["strange"]).databases] == ["a", "b"]
    assert len(OPENED) == LEAST


def test_gold_without_results_has_no_databases() -> None:
    bare = [Candidate(name=name, documents=[(name, {"x": 1})]) for name in "ab"]
    found = choose_for(bare, ["x"])
    assert (found.databases, found.reason) == ([], "the reference finds nothing in any documents that were made for it")
    # where it finds something on one of them, that it finds nothing on another tells too
    assert [one.name for one in choose_for([*bare, candidate("c")], ["x", "y"]).databases] == ["a", "b", "c"]
