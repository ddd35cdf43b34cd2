"""Small charts of a result in the terminal: bars beside the rows, and a curve of what changes over time.

    figures(Table(columns=("town", "#count"), rows=(("Ribe", "22"), ("Vejle", "11"))))     [22.0, 11.0]
    bar(11, 22, 8)             "████"
    curve([1, 4, 2], 30)       ["   ▄▄▄▄▄", …]: lines of that width

Drawn of tables for people (`Presentation.result_tables`): their cells are read back as numbers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from dstill.api.records import Table

__all__ = ["bar", "curve", "figures", "over_time"]

HEIGHT = 6  # lines of a curve
MOST_COLUMNS = 3  # of a table with bars: a label, a count, another figure
_TIME = re.compile(r"\d{4}(-\d\d){0,2}( \d\d:\d\d(:\d\d)?)?")
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_RISING = " ▁▂▃▄▅▆▇█"


def figures(shown: Table) -> list[float]:
    """The numbers of the last column, one for each row, if a chart says something of them; else none.

    The first column has the labels, each once, and the others have numbers that are not negative.
    """
    columns, rows = shown.columns, shown.rows
    if len(rows) < 2 or not 2 <= len(columns) <= MOST_COLUMNS or len({row[0] for row in rows}) < len(rows):
        return []
    if not all(name.startswith("#") for name in columns[1:]) or (len(columns) > 2 and columns[0].startswith("#")):
        return []
    try:
        numbers = [float(row[-1].replace(",", "").removesuffix(" %")) for row in rows]
    except ValueError:  # a cell without a value
        return []
    return numbers if 0 <= min(numbers) < max(numbers) < float("inf") else []


def over_time(shown: Table) -> bool:
    """Whether the labels of the rows are times."""
    return all(_TIME.fullmatch(row[0]) for row in shown.rows)


def bar(number: float, most: float, width: int) -> str:
    """A bar for `number`, of `width` characters for `most`."""
    eighths = round(8 * width * number / most)
    return (_EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def curve(numbers: Sequence[float], width: int) -> list[str]:
    """The lines of an area below the numbers, from 0 to the largest. Several share a column if there are many."""
    width = min(width, len(numbers) * max(1, width // len(numbers)))
    edges = [len(numbers) * place // width for place in range(width + 1)]
    groups = [numbers[start : max(end, start + 1)] for start, end in itertools.pairwise(edges)]
    means = [sum(group) / len(group) for group in groups]
    heights = [round(8 * HEIGHT * mean / max(numbers)) for mean in means]
    lines = ("".join(_RISING[min(8, max(0, height - 8 * floor))] for height in heights) for floor in range(HEIGHT))
    return [line.rstrip() for line in lines][::-1]
