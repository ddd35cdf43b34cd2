"""Options by the names that they had one release ago: they work, and a warning says the new name.

current(["generate", "--focus", "no answer"])  →  ["generate", "--augment-cause", "no answer"]
"""

from __future__ import annotations

from typing import Mapping, Sequence

from dstill.cli.console import note

__all__ = ["OPTIONS", "current"]

_AUGMENT = {"--focus": "--augment-cause", "--from": "--from-run"}
_RESUME = {"--allow-changed": "--resume-with-changes"}
# command → old option → new option
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "generate": {**_AUGMENT, **_RESUME},
    "questions": _AUGMENT,
    "train": _RESUME,
    "review": {"--precision": "--ci-half-width"},
    "predict": {"--vote": "--self-consistency"},
}


def current(argv: Sequence[str]) -> list[str]:
    """The words of a command line with the names that options have now."""
    position = next((n for n, word in enumerate(argv) if word in OPTIONS), len(argv))
    new_names = OPTIONS[argv[position]] if position < len(argv) else {}
    end = argv.index("--") if "--" in argv else len(argv)
    words = [*argv[:position]]
    for word in argv[position:end]:
        option, equals, value = word.partition("=")
        if new := new_names.get(option):
            note(f"warning: {option} is now {new}")
            word = f"{new}{equals}{value}"
        words.append(word)
    if "--vote" in argv[position:end] and "predict" in argv:
        words = _with_number(words)
    return [*words, *argv[end:]]


def _with_number(words: list[str]) -> list[str]:
    """`--num-samples 8 --vote` is now `--self-consistency 8`."""
    joined = [word.replace("--num-samples", "--self-consistency") for word in words if word != "--self-consistency"]
    return joined if joined != words and any("--self-consistency" in word for word in joined) else words
