"""What is said about candidates of questions that were dropped."""

from __future__ import annotations

from collections import Counter

import pytest

from dstill_querydsl.questions.templates import Tally as QueryDslTally
from dstill_sql.questions.tally import Tally


@pytest.mark.parametrize(("count", "said"), [(1, "1 candidate dropped"), (4, "4 candidates dropped")])
def test_one_candidate_is_not_several(count: int, said: str) -> None:
    made, dropped = Counter(list=96), Counter(vacuous=count)
    assert list(Tally(made=made, dropped=dropped).lines()) == [f"{said}: {count} vacuous"]
    [line] = QueryDslTally(made=made, dropped=dropped).remarks()
    assert line.startswith(f"{said} (")
