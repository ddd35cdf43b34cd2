"""Worked examples by their question: those whose words are most like those of the question that is asked.

    [generate]
    shots_by = "nearest"

The nearest stands last, directly before the question. Words are compared without case, signs and order
(`rapidfuzz.fuzz.token_sort_ratio`); of equally near ones the earlier is taken, so the same questions give the same
prompts. Each question is compared with every worked example: about 10 ms a question where there are 5,000.

Liu et al. 2022, "What Makes Good In-Context Examples for GPT-3?", choose by sentence embeddings. Those would need a
model, and are not covered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Sequence

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.records import Example, Prompt
    from dstill.config import Generate

__all__ = ["build_prompt", "nearest"]


@hookimpl
def build_prompt(
    example: Example, pool: Iterable[Example], settings: Generate, build: Callable[[Sequence[Example]], Prompt]
) -> Prompt | None:
    if settings.shots_by != "nearest":
        return None
    chosen = nearest(example.question, list(pool), settings.shots)
    return build(chosen) if chosen else None


def nearest(question: str, pool: Sequence[Example], k: int) -> list[Example]:
    """The `k` of `pool` whose questions are nearest to `question`, the nearest last."""
    from rapidfuzz import fuzz, process, utils

    questions = [shot.question for shot in pool]
    scorer, processor = fuzz.token_sort_ratio, utils.default_process
    found = process.extract(question, questions, scorer=scorer, processor=processor, limit=k)
    return [pool[at] for _, _, at in reversed(found)]
