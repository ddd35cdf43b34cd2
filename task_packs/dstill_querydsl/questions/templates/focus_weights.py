"""Weights for questions like those that a student failed, from ``context["focus"]`` of `Synthesis.synthesize`.

    focus = FocusWeights.of({"focus": {"label": "sort", "categories": {"sort_page": 9}, "templates": {"top:range": 3}}})
    focus.categories["sort_page"]     9: the category's share of the questions
    focus.weight("top:range")         4: it is drawn four times as often as a template without a failure

Held-out templates are never drawn, since a test split consists of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["FocusWeights"]


@dataclass(frozen=True, kw_only=True)
class FocusWeights:
    """The number of failures by category and by template."""

    categories: Mapping[str, int]
    templates: Mapping[str, int]

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Self | None:
        """Read the context of `synthesize`. None if it has no focus."""
        focus = context.get("focus")
        return None if focus is None else cls(categories=focus["categories"], templates=focus["templates"])

    def weight(self, template: str) -> int:
        """How much more often the template is drawn than one without failures."""
        return 1 + self.templates.get(template, 0)
