"""The reasoning trace that a reasoning model writes before its reply.

    >>> split("<think>Sum them.</think><answer>3</answer>")
    ('<think>Sum them.</think>', '<answer>3</answer>')
    >>> split("Sum them.</think><answer>3</answer>")  # the chat template opened the block, so <think> is missing
    ('Sum them.</think>', '<answer>3</answer>')
    >>> split("<answer>3</answer>")
    ('', '<answer>3</answer>')
    >>> words("<think>Sum them.</think>")
    'Sum them.'

The reply starts after the last ``</think>``, as in the chat templates of Qwen 3 and DeepSeek R1. If an endpoint sends
the trace in a separate field (``reasoning_content``), `joined` brings both into this form. Other tags are not covered.
"""

from __future__ import annotations

__all__ = ["joined", "split", "words"]

START, END = "<think>", "</think>"


def split(text: str) -> tuple[str, str]:
    """The trace with its tags, and the reply. Joined again, they are `text`."""
    before, end, reply = text.rpartition(END)
    return before + end, reply


def joined(trace: str, reply: str) -> str:
    """Trace and reply as one text that `split` can split."""
    return f"{START}{trace}{END}\n{reply}"


def words(trace: str) -> str:
    """The trace without its tags."""
    return trace.strip().removeprefix(START).removesuffix(END).strip()
