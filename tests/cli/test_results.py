"""Results at the terminal: bars, curves and pages of rows; and whole results in CSV files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.offering import offering
from support.toy import Toy, ToyConfig

from dstill.api.protocols import Presentation
from dstill.api.records import Table
from dstill.api.task import Task
from dstill.cli import results
from dstill.cli.chart import HEIGHT, bar, curve, figures, over_time
from dstill.cli.results import Rows, has_more, show_result, write_csv
from dstill.errors import UsageError
from dstill.stages.predict.predicted import PredictedAnswer


class Laid(Presentation):
    """A result is its tables."""

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> tuple[Table, ...]:
        return tuple(value)


LAID: Task = offering(Toy, Laid)(ToyConfig())
TOWNS = Table(columns=("town", "#count"), rows=(("Aarhus", "10"), ("Ribe", "1,005"), ("Vejle", "0")))


def answered(*tables: Table) -> PredictedAnswer:
    return PredictedAnswer(id="1", question="?", answer="1+2", ok=True, refused=False, result=list(tables))


def months(count: int) -> Table:
    rows = tuple((f"{2000 + n // 12}-{n % 12 + 1:02}", str(n)) for n in range(count))
    return Table(columns=("month", "#count"), rows=rows)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """What `show_result` prints on a terminal of 60 columns."""
    monkeypatch.setattr(results, "draws", lambda: True)
    monkeypatch.setattr(results, "width", lambda: 60)

    def shown(rows: Rows, *tables: Table) -> list[str]:
        show_result(LAID, answered(*tables), rows)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    return shown


# --- charts -----------------------------------------------------------------------------


def test_a_label_and_a_number_have_bars(terminal: Any) -> None:
    assert terminal(Rows(20), TOWNS) == [
        " town    count",
        " Aarhus     10  ▎",
        " Ribe    1,005  ██████████████████████████████",
        " Vejle       0",
    ]


def test_a_file_or_pipe_gets_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(LAID, answered(TOWNS), Rows(20))
    assert "█" not in capsys.readouterr().out


def test_bars_of_a_page_are_of_its_rows(terminal: Any) -> None:
    first, second = terminal(Rows(2), TOWNS), terminal(Rows(2, start=2, by="more"), TOWNS)
    assert first[-1] == "  … 1 more row: --limit 3 shows all 3"
    assert second == [" town   count", " Vejle      0"]


def test_many_times_have_a_curve_and_few_have_bars(terminal: Any) -> None:
    lines = terminal(Rows(3), months(48))
    assert lines[0].startswith(" 47 ")
    assert lines[HEIGHT - 1].startswith("  0 ")
    assert lines[HEIGHT].split() == ["2000-01", "2003-12"]
    assert lines[HEIGHT + 1 :] == [
        " month    count",
        " 2000-01      0",
        " 2000-02      1",
        " 2000-03      2",
        "  … 45 more rows: --limit 48 shows all 48",
    ]
    assert "█" in terminal(Rows(20), months(12))[-1]
    assert max(map(len, terminal(Rows(3), months(900)))) <= 60


@pytest.mark.parametrize(
    "table",
    [
        Table(columns=("town", "#count"), rows=(("Ribe", "3"),)),
        Table(columns=("town", "#count"), rows=(("Ribe", "3"), ("Ribe", "4"))),
        Table(columns=("town", "#count"), rows=(("Ribe", "3"), ("Vejle", "3"))),
        Table(columns=("town", "#count"), rows=(("Ribe", "3"), ("Vejle", "-4"))),
        Table(columns=("town", "#count"), rows=(("Ribe", "3"), ("Vejle", "–"))),
        Table(columns=("town", "street"), rows=(("Ribe", "3"), ("Vejle", "4"))),
        Table(columns=("#id", "#customer", "#count"), rows=(("1", "3", "4"), ("2", "4", "5"))),
        Table(columns=("#count",), rows=(("3",), ("4",))),
    ],
)
def test_what_a_chart_says_nothing_of_has_none(table: Table) -> None:
    assert figures(table) == []


def test_shares_and_the_last_of_two_figures_are_drawn() -> None:
    rows = (("Ribe", "1", "12.5 %"), ("Vejle", "9", "25.0 %"))
    assert figures(Table(columns=("town", "#count", "#share"), rows=rows)) == [12.5, 25.0]


@pytest.mark.parametrize(
    ("label", "time"),
    [
        ("2025", True),
        ("2025-01", True),
        ("2025-01-02", True),
        ("2025-01-02 10:00", True),
        ("12", False),
        ("may", False),
    ],
)
def test_times_are_known_by_their_form(label: str, time: bool) -> None:
    assert over_time(Table(columns=("a", "#n"), rows=((label, "1"),))) is time


@given(st.lists(st.floats(0, 1e12), min_size=1).filter(max), st.integers(8, 80))
def test_charts_keep_to_their_place(numbers: list[float], width: int) -> None:
    lines = curve(numbers, width)
    assert len(lines) == HEIGHT
    assert max(map(len, lines)) <= width
    for number in numbers:
        assert len(bar(number, max(numbers), width)) <= width


# --- pages ------------------------------------------------------------------------------


def test_more_shows_the_next_rows_until_there_are_none(terminal: Any) -> None:
    rows = Rows(20, by="more")
    assert terminal(rows, months(45))[-1] == "  … 25 more rows: `more` shows the next 20"
    assert has_more(LAID, answered(months(45)), rows)
    assert terminal(rows.after(), months(45))[1] == " 2001-09     20"
    last = rows.after().after()
    assert terminal(last, months(45))[-1] == " 2003-09     44"
    assert not has_more(LAID, answered(months(45)), last)


def test_where_no_option_shows_more_none_is_named(terminal: Any) -> None:
    assert terminal(Rows(3, by=""), months(5))[-1] == "  … 2 more rows"


# --- CSV --------------------------------------------------------------------------------


def test_csv_has_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "months.csv"
    write_csv(LAID, answered(Table(title="9 hits", columns=(), rows=()), months(567)), path)
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert (rows[0], rows[-1], len(rows)) == (["month", "count"], ["2047-03", "566"], 568)
    assert capsys.readouterr().err == f"567 rows written to {path}\n"


def test_csv_quotes_and_a_spreadsheet_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = ('say "a, b"', "two\nlines", "=1+1", "@cmd", "+cmd|' /C calc'!A0", "-2", "+45 12 34", "-1e-9", "\tx")
    path = tmp_path / "a.csv"
    write_csv(LAID, answered(Table(columns=("a",), rows=tuple((cell,) for cell in cells))), path)
    with path.open(newline="") as file:
        read = [row[0] for row in list(csv.reader(file))[1:]]
    assert read == [f"'{cell}" if cell in ("=1+1", "@cmd", "+cmd|' /C calc'!A0", "\tx") else cell for cell in cells]
    assert "4 cells begin as a formula of a spreadsheet does: they have a ' in front" in capsys.readouterr().err


def test_csv_of_several_tables_and_of_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_csv(LAID, answered(months(1), TOWNS), path)
    assert path.read_text().startswith("month,count\n2000-01,0\n\ntown,count\n")
    with pytest.raises(UsageError, match="the result has no table"):
        write_csv(LAID, answered(), path)
