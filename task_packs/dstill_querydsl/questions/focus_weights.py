"""Where a student is weak, as `Synthesis.synthesize` is told under ``context["focus"]``: how questions are then drawn.

    weak = Weak.of({"focus": {"label": "sort", "categories": {"sort_page": 9}, "templates": {"top:range": 3}}})
    weak.categories["sort_page"]     9: its share of the questions
    weak.times("top:range")          4: so many times as often as a template without a failure

Templates that are held back are never drawn: a test set is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Self

__all__ = ["Weak"]


@dataclass(frozen=True, kw_only=True)
class Weak:
    """Failures by category and by template."""

    categories: Mapping[str, int]
    templates: Mapping[str, int]

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Self | None:
        """None where nobody asks for it."""
        told = context.get("focus")
        return None if told is None else cls(categories=told["categories"], templates=told["templates"])

    def times(self, template: str) -> int:
        return 1 + self.templates.get(template, 0)
