"""Findings as workflow commands of GitHub Actions, which show them beside the changed lines.

line(problem)     ::error file=a.sum,line=3,endLine=3,col=8,endColumn=12,title=names/unknown::no field 'totl' …
"""

from __future__ import annotations

from dstill.quality.linting.lint import FileProblem

__all__ = ["line"]

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def line(placed: FileProblem) -> str:
    """The command for one problem."""
    region = placed.region
    properties: dict[str, object] = {"file": placed.file, "line": region.line, "endLine": region.end_line}
    if region.line == region.end_line:  # GitHub takes columns within one line alone
        properties |= {"col": region.column, "endColumn": region.end_column}
    properties["title"] = placed.rule
    listed = ",".join(f"{name}={str(value).translate(_PROPERTY)}" for name, value in properties.items())
    hint = f" ({placed.problem.hint})" if placed.problem.hint else ""
    return f"::{placed.problem.severity.value} {listed}::{f'{placed.problem.message}{hint}'.translate(_DATA)}"
