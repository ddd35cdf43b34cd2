"""A question in parts: its values and names, and the text between them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Part"]


@dataclass(frozen=True)
class Part:
    """A part of a question, of which all questions of one wording have the same kinds."""

    kind: str  # text, noun, plural (of a noun), document or value
    text: str
