"""The template engine of pages: every text is escaped, and control and bidirectional characters are made visible.

    environment_of(folder).get_template("page.html.j2").render(name="a < b")

Filters for scores: percent, interval, margin and shown (`dstill_report.text`). `content` is for text between tags, and
`breakable` for names and for text with options.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.errors import needs
from dstill.io.inert import visible
from dstill_report.text import interval, margin, percent, shown

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment_of"]

_OPTION = re.compile(r"--[a-z]+(-[a-z]+)*")


def environment_of(folder: Path) -> Environment:
    """The engine for the templates in `folder`. Raises MissingExtra."""
    with needs("a report", "report"):
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup, escape

    def safe(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def content(text: str) -> Markup:
        """`text` for use between tags: quotation marks stay, which keeps pages with much JSON small."""
        return Markup(visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))

    def breakable(text: str) -> Markup:
        """`text`, in which a line may end after each underscore, but not in an option such as --max-wrong."""
        lines = str(escape(visible(text))).replace("_", "_<wbr>")
        return Markup(_OPTION.sub(r'<span class="option">\g<0></span>', lines))

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(content=content, breakable=breakable)
    environment.filters.update(percent=percent, interval=interval, margin=margin, shown=shown)
    return environment
