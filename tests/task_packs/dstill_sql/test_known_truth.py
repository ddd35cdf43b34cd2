"""Pairs of a gold and an answer of which we know whether they mean the same, and which evaluator says otherwise.

The evaluators are written again below, each in a few lines, so that every case shows their wrong verdict:

- ``exact set``: Spider's exact set match. It compares the parts of the two texts as sets, without values, DISTINCT,
  numbers after LIMIT and conditions of joins.
- ``spider run``: Spider's execution accuracy. It compares the lists of values of each selected column.
- ``suite``: the execution of test-suite accuracy (Zhong, Yu and Klein 2020). It removes DISTINCT from both queries,
  takes two empty results as equal, and compares rows in their order if the gold has ORDER BY.
- ``bird``: BIRD's execution accuracy. It compares the sets of rows.

A case marked ``luck`` has the same result on its data, though it means something else: test databases tell it apart.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp, parse_one
from support.sql_trips import FULL, ROWS, Tables, example, executor, run, task

from dstill.api.protocols import TestDatabases
from dstill.api.records import OutcomeKind
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read

BOTH: tuple[Dialect, ...] = ("duckdb", "sqlite")
DUCKDB: tuple[Dialect, ...] = ("duckdb",)
SQLITE: tuple[Dialect, ...] = ("sqlite",)


# --- what other evaluators do -------------------------------------------------------------


def exact_set(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    return parts(gold, dialect) == parts(answer, dialect)


def parts(text: str, dialect: Dialect) -> dict[str, Any]:
    query = parse_one(text, read=dialect)
    aliases = {one.alias: one.name for one in query.find_all(exp.Table) if one.alias}
    for column in query.find_all(exp.Column):
        column.set("table", exp.to_identifier(aliases.get(column.table, column.table)) if column.table else None)
    for distinct in list(query.find_all(exp.Distinct)):
        if distinct.expressions:
            distinct.replace(distinct.expressions[0])
        else:
            distinct.pop()
    for literal in list(query.find_all(exp.Literal)):
        literal.replace(exp.Literal.string("value"))
    found: dict[str, Any] = {"tables": frozenset(one.name for one in query.find_all(exp.Table))}
    for place, select in enumerate(query.find_all(exp.Select)):
        order = select.args.get("order")
        found[f"{place}"] = (
            frozenset(one.unalias().sql() for one in select.expressions),
            *(
                frozenset(one.sql() for one in conditions(clause.this)) if clause else None
                for clause in (select.args.get("where"), select.args.get("having"))
            ),
            frozenset(one.sql() for one in select.args["group"].expressions) if select.args.get("group") else None,
            [(one.this.sql(), bool(one.args.get("desc"))) for one in order.expressions] if order else None,
            select.args.get("limit") is not None,
        )
    found["sets"] = [one.key for one in query.find_all(exp.SetOperation)]
    return found


def conditions(node: exp.Expr) -> list[exp.Expr]:
    return list(node.flatten(unnest=False)) if isinstance(node, exp.Connector) else [node]


def spider_run(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    def columns(text: str) -> dict[str, list[Any]]:
        found = run(text, dialect, rows)
        names = [one.unalias().sql() for one in read(text, dialect).selects]
        return {name: [row[place] for row in found["rows"]] for place, name in enumerate(names)}

    return columns(gold) == columns(answer)


def suite(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    def found(text: str) -> list[tuple[Any, ...]]:
        query = parse_one(text, read=dialect)
        for distinct in list(query.find_all(exp.Distinct)):
            if distinct.expressions:
                distinct.replace(distinct.expressions[0])
            else:
                distinct.pop()
        return list(map(tuple, run(query.sql(dialect), dialect, rows)["rows"]))

    want, got = found(gold), found(answer)
    if not want and not got:
        return True
    if len(want) != len(got) or len(want[0]) != len(got[0]):
        return False
    turned = ([tuple(row[place] for place in order) for row in got] for order in permutations(range(len(want[0]))))
    if "order by" in gold.lower():
        return any(one == want for one in turned)
    return any(Counter(one) == Counter(want) for one in turned)


def bird(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    want, got = (set(map(tuple, run(text, dialect, rows)["rows"])) for text in (gold, answer))
    return want == got


EVALUATORS: dict[str, Callable[[str, str, Dialect, Tables], bool]] = {
    "exact set": exact_set,
    "spider run": spider_run,
    "suite": suite,
    "bird": bird,
}


# --- the cases --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    kind: str
    gold: str
    answer: str
    same: bool
    wrong: tuple[str, ...] = ()  # the evaluators that say otherwise
    luck: bool = False  # the result on the data is the same by luck
    rows: Tables = field(default_factory=lambda: ROWS)
    on: tuple[Dialect, ...] = BOTH


NOISE: Tables = {**ROWS, "trips": [[n, 1, "Kim", n / 10, 1, 1, "2024-05-01 00:00:00"] for n in range(1, 8)]}
LARGE_SUMS: Tables = {
    **ROWS,
    "trips": [[1, 1, "Kim", 12345678.91, 1, 1, None], [2, 2, "Lou", 0.22, 1, 1, None], [3, 1, "Kim", 1.0, 1, 1, None]],
}
PAIRS: Tables = {**ROWS, "trips": [[1, 1, "a", 1.0, 1, 2, None], [2, 1, "b", 2.0, 2, 1, None]]}
CODES: Tables = {**ROWS, "trips": [[1, 1, "007", 1.0, 1, 2, None], [2, 1, "011", 2.0, 2, 1, None]]}
HUGE: Tables = {
    **ROWS,
    "trips": [[n, n % 5 + 1, f"r{n % 7}", n / 4, n % 11, n % 3, "2024-05-01 00:00:00"] for n in range(1, 1_001)],
}
EVEN: Tables = {**FULL, "trips": [[n, 1, "Kim", 1.0, 1, 2, "2024-05-01 08:00:00"] for n in range(1, 5)]}

TABLES = {name: globals()[name] for name in ("NOISE", "LARGE_SUMS", "PAIRS", "CODES", "HUGE", "EVEN", "FULL")}


def cases() -> Iterator[Case]:
    for row in tomllib.loads(Path(__file__).with_name("known_truth.toml").read_text("utf-8"))["case"]:
        lists = {key: tuple(row[key]) for key in ("wrong", "on") if key in row}
        rows = {"rows": TABLES[row["rows"]]} if "rows" in row else {}
        yield Case(**{**row, **lists, **rows})


CASES = list(cases())
# With the names of kinds, of engines and places, so that a failure names its case.
RUNS = [
    pytest.param(case, dialect, id=f"{dialect}-{place}-{case.kind.replace(' ', '_')}")
    for place, case in enumerate(CASES)
    for dialect in case.on
]


@pytest.mark.parametrize(("case", "dialect"), RUNS)
def test_is_judged_as_it_should_be(case: Case, dialect: Dialect) -> None:
    say = {name: evaluate(case.gold, case.answer, dialect, case.rows) for name, evaluate in EVALUATORS.items()}
    assert {name for name, said in say.items() if said != case.same} >= set(case.wrong)
    got, want = (run(text, dialect, case.rows) for text in (case.answer, case.gold))
    assert task(dialect).same(got, want) == (case.same or case.luck)


def agree_on_test_databases(case: Case, dialect: Dialect) -> bool:
    """Whether the answer has the gold's result on every test database of the gold."""
    gold, judge = example(case.gold), task(dialect)
    for database in TestDatabases.of(judge).test_databases(gold, 5):
        there = replace(gold, context={**gold.context, "test_database": database})
        want, got = (executor(dialect).run(text, there) for text in (case.gold, case.answer))
        assert want.kind is OutcomeKind.OK, want.reason
        if got.kind is not OutcomeKind.OK or not judge.same(got.value, want.value):
            return False
    return True


def test_page_lists_the_kinds_with_their_wrong_verdicts(root: Path) -> None:
    counts: dict[str, list[int]] = {}
    for case in CASES:
        found = [int(name in case.wrong) for name in EVALUATORS]
        for kind in (case.kind, "all"):
            counts[kind] = [a + b for a, b in zip(counts.get(kind, [0] * 5), [1, *found], strict=True)]
    lines = (root / "docs" / "sql_scores.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.count("|") == 8]
    listed = {kind: [int(one.replace("–", "0")) for one in numbers] for kind, _, *numbers in rows[2:]}
    assert listed == {kind: of for kind, of in counts.items() if of[0] >= 5 and any(of[1:])}


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dialect"), [one for one in RUNS if one.values[0].luck])  # type: ignore[union-attr]
def test_luck_ends_on_test_databases(case: Case, dialect: Dialect) -> None:
    assert not agree_on_test_databases(case, dialect)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dialect"), [one for one in RUNS if one.values[0].same and one.values[1] == "sqlite"])  # type: ignore[union-attr]
def test_right_answers_agree_on_test_databases(case: Case, dialect: Dialect) -> None:
    assert agree_on_test_databases(case, dialect)
