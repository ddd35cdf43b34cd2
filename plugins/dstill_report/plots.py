"""Draws plots as inline SVG in the colours and font of the page.

Each function takes labels and numbers and returns ``<svg …>…</svg>``, or an empty string if there is nothing to draw.
The same input yields the same bytes (no dates, a fixed hash salt), and the SVG refers to nothing that a browser would
fetch. Colours are the page's CSS variables, so one plot works in light mode, dark mode and print. The `aria-label`
gives the values in words for screen readers.
"""

from __future__ import annotations

import html
import io
import itertools
import re
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dstill.cli.console import visible
from dstill.errors import needs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curve", "differences", "scatter", "strip"]

# matplotlib has no CSS variables: each is drawn as a placeholder colour and replaced in the SVG.
COLOURS = {"#010101": "var(--ink)", "#020202": "var(--muted)", "#030303": "var(--line)", "#070707": "var(--panel)"}
SERIES = {"#040404": "var(--student)", "#050505": "var(--nearest)", "#060606": "var(--other)"}
INK, MUTED, LINE, PANEL = COLOURS
WIDTH = 4.2  # inches: about a phone's width, where text keeps its size; half of a wide page


def curve(series: Mapping[str, Sequence[tuple[float, float]]], title: str, y: str, x: str = "step") -> str:
    """One line per series over `x`; a series of one value is a point."""
    series = {label: points for label, points in series.items() if points}
    if not series:
        return ""
    with _style(title):
        figure, axes = _figure(2.9)
        for (label, points), colour in zip(series.items(), SERIES, strict=False):
            marker = "o" if len(points) < 25 else ""
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, ms=3.5, lw=1.8, label=label)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        values = [value for points in series.values() for _, value in points]
        if min(values) >= 0:
            axes.set_ylim(0, 1.06 * max(values) or None)
        axes.grid(color=LINE, lw=0.8)
        if len(series) > 1:
            axes.legend(frameon=False, labelcolor=INK)
        ends = "; ".join(
            f"{label} from {points[0][1]:.4g} at {points[0][0]:,.6g} to {points[-1][1]:.4g} at {points[-1][0]:,.6g}"
            for label, points in series.items()
        )
        return _svg(figure, f"{title}: {ends}")


def scatter(
    points: Sequence[tuple[float, float]],
    front: Sequence[bool],
    title: str,
    x: str,
    y: str,
    kinds: Sequence[str] = (),
) -> str:
    """Points with their Pareto front filled and joined. `kinds` (one per point) set the colour and marker."""
    if not points:
        return ""
    kinds = kinds or [""] * len(points)
    looks = dict(zip(dict.fromkeys(kinds), itertools.cycle(zip(SERIES, "os^", strict=True)), strict=False))
    with _style(title):
        figure, axes = _figure(2.9)
        line = sorted(point for point, on_front in zip(points, front, strict=True) if on_front)
        axes.plot(*zip(*line, strict=True), color=MUTED, lw=1.2, alpha=0.6)
        for (at, value), on_front, kind in zip(points, front, kinds, strict=True):
            colour, marker = looks[kind]
            axes.plot([at], [value], marker, color=colour, ms=6, mfc=None if on_front else "none")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(color=LINE, lw=0.8)
        if len(looks) > 1:
            for kind, (colour, marker) in looks.items():
                axes.plot([], [], marker, color=colour, ms=6, label=visible(kind))
            axes.legend(frameon=False, labelcolor=INK)
        values = "; ".join(f"{value:.4g} at {at:,.6g}" for at, value in line)
        return _svg(figure, f"{title} ({y}, {x}), Pareto front: {values}")


def differences(rows: Mapping[str, tuple[float, float, float]], title: str, x: str, hollow: Container[str] = ()) -> str:
    """One row per label: a difference as a point, its interval as a bar, and a line at zero."""
    if not rows:
        return ""
    with _style(title):
        figure, axes = _figure(0.42 * len(rows) + 0.6)
        colour = next(iter(SERIES))
        axes.axvline(0, color=MUTED, lw=1)
        for at, (label, (value, low, high)) in enumerate(rows.items()):
            axes.plot([low, high], [at, at], color=colour, lw=3, alpha=0.35)
            axes.plot([value], [at], "o", color=colour, ms=5.5, mfc="none" if label in hollow else None)
            # above its row: a long label beside it would leave no room for the axis
            named = f"{visible(label)[:60]}  {value:+.1f}"
            paper = {"facecolor": PANEL, "edgecolor": "none", "pad": 0.5}
            axes.text(0, at - 0.32, named, transform=axes.get_yaxis_transform(), color=INK, bbox=paper)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(rows) - 0.6, -0.9)
        axes.set_xlabel(x)
        axes.grid(axis="x", color=LINE, lw=0.8)
        values = "; ".join(
            f"{label} {value:+.1f} ({low:+.1f} to {high:+.1f})" for label, (value, low, high) in rows.items()
        )
        return _svg(figure, f"{title}: {values}")


def strip(values: Sequence[float], marks: Mapping[str, float], title: str, x: str) -> str:
    """Every value as a dot on one axis from zero, and named lines across it."""
    if not values:
        return ""
    with _style(title):
        figure, axes = _figure(1.25)
        # a fixed height for each, so that equal values do not hide each other
        heights = [(0.618 * number) % 1 for number in range(len(values))]
        axes.plot(values, heights, "o", color=next(iter(SERIES)), ms=5, alpha=0.45, mec="none")
        for name, at in marks.items():
            axes.axvline(at, color=INK, lw=1)
            axes.text(at, 1.32 + 0.45 * (len(marks) > 1 and name == next(iter(marks))), f" {visible(name)}", color=INK)
        axes.set_xlim(0, 1.35 * max(*values, *marks.values()))
        axes.set_ylim(-0.25, 2.1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(x)
        named = "; ".join(f"{name} {at:.4g}" for name, at in marks.items())
        return _svg(figure, f"{title}, {x}: {min(values):.4g} to {max(values):.4g}; {named}")


def _style(salt: str) -> Any:
    with needs("a plot", "report"):
        import matplotlib
    return matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": f"dstill {salt}",  # plots on one page need different ids
            "text.parse_math": False,  # a category may be called $x$
            "font.family": "sans-serif",
            "font.size": 9.5,
            "text.color": INK,
            "axes.labelcolor": MUTED,
            "axes.edgecolor": LINE,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": LINE,
            "ytick.color": LINE,
            "xtick.labelcolor": MUTED,
            "ytick.labelcolor": MUTED,
        }
    )


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, label: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]  # drop the XML prologue, which contains URLs
    svg = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    used = set(re.findall(r'(?:href="|url\()#([\w.-]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)  # use the page's font
    for colour, variable in {**COLOURS, **SERIES}.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(visible(label))}"', 1).strip()
