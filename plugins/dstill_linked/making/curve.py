"""The loss of a training as a picture.

write_curve(Path("curve.svg"), [(300, 16_176, 1.2), (600, 32_000, 0.4)])
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_curve"]

_WIDTH, _HEIGHT, _EDGE = 640, 280, 48  # pixels


def write_curve(file: Path, curve: Sequence[Sequence[float]]) -> None:
    """Write an SVG of the curve of a `State`: seconds, rows and loss of each checkpoint."""
    seconds, losses = [point[0] for point in curve], [point[2] for point in curve]
    end, most = max(seconds, default=1.0) or 1.0, max(losses, default=1.0) or 1.0
    across, down = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE
    points = " ".join(
        f"{_EDGE + across * second / end:.1f},{_HEIGHT - _EDGE - down * loss / most:.1f}"
        for second, loss in zip(seconds, losses, strict=True)
    )
    base = _HEIGHT - _EDGE
    labels = (
        (_EDGE, base + 20, "start", "0"),
        (_WIDTH - _EDGE, base + 20, "end", f"{end / 3600:.2g} hours"),
        (_EDGE - 6, base, "end", "0"),
        (_EDGE - 6, _EDGE + 4, "end", f"{most:.2g}"),
        (_EDGE, _EDGE - 14, "start", f"loss, {losses[-1]:.3g} at the end" if losses else "loss"),
    )
    texts = "".join(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in labels)
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="13" fill="#57606a" role="img" aria-label="The loss of the training">'
        f'<path d="M{_EDGE} {_EDGE}V{base}H{_WIDTH - _EDGE}" stroke="#8c959f" fill="none"/>'
        f'<polyline points="{points}" fill="none" stroke="#0969da" stroke-width="2"/>{texts}</svg>\n',
        encoding="utf-8",
    )
