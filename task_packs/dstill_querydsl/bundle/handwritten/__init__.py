"""Questions about bundled indices, written one by one and without templates: a file for each index. They only measure.

    HANDWRITTEN                 ("birdstrikes", "factbook", …)
    handwritten("birdstrikes")  [Example(id="birdstrikes-h001", question="how many strikes did southwest have", …), …]

In: ``INDEX.jsonl``, rows of id, question, answer and category. Out: examples whose context names the index. Do not
train or tune on them, and make no templates from them: they show how a student does on words that no template has.

`DEVELOPMENT` is the exception: its questions are read to find what students cannot do yet. Its score says nothing about
questions that nobody has read.
"""

from __future__ import annotations

from pathlib import Path

from dstill.api.records import Example
from dstill.errors import UsageError, did_you_mean
from dstill.io.strict_json import loads

__all__ = ["DEVELOPMENT", "HANDWRITTEN", "handwritten"]

FOLDER = Path(__file__).parent
HANDWRITTEN = tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))
DEVELOPMENT = "quakes"


def handwritten(index: str) -> list[Example]:
    """The questions about that bundled index, in the order of the file. Raises UsageError if there are none."""
    if index not in HANDWRITTEN:
        raise UsageError(
            f"no hand-written questions about '{index}'.{did_you_mean(index, HANDWRITTEN)}",
            hint=f"give one of {', '.join(HANDWRITTEN)}",
        )
    lines = (FOLDER / f"{index}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Example(**loads(line), context={"index": index}) for line in lines]
