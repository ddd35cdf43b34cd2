"""The table of promises that were checked on other questions."""

from __future__ import annotations

from benchmarks import promises
from benchmarks.people import Answered


def answered(number: int, part: str, *, wrong: bool, score: float | None) -> Answered:
    return Answered(
        id=f"{part}{number}",
        part=part,
        kind="",
        question="",
        gold="",
        answer="",
        right=not wrong,
        executed=True,
        second_look=False,
        marked=False,
        offered=False,
        reason="",
        score=score,
        first_is_wrong=wrong,
    )


def test_promise_of_one_part_is_checked_on_the_other() -> None:
    """All answers of part a below -1 are wrong, and so is one of ten above it in part b."""
    of_a = [answered(n, "a", wrong=n >= 60, score=-n / 60) for n in range(120)]
    of_b = [answered(n, "b", wrong=n % 10 == 0, score=-0.5 if n < 50 else None) for n in range(100)]
    table = list(promises.lines("sql", [*of_a, *of_b]))
    assert [line.split(" | ")[:2] for line in table] == [["| SQL", "0.1"], ["| SQL", "0.2"], ["| SQL", "0.3"]]
    given, rate, holds, broken = table[1].removesuffix(" |").split(" | ")[2:]
    assert (given, rate) == ("50.0 %", "10.0 % [4.3, 21.4]")
    assert float(holds.split()[0]) > 50  # a tenth is wrong, so 60 judgements promise a fifth more often than not
    assert broken == "0.0 %"  # and that is kept


def test_nothing_is_promised_where_too_many_are_wrong() -> None:
    rows = [answered(n, part, wrong=n % 2 == 0, score=-n / 60) for part in "ab" for n in range(100)]
    assert [line.split(" | ")[2:4] for line in promises.lines("sql", rows)] == [["0.0 %", "nothing is promised"]] * 3
