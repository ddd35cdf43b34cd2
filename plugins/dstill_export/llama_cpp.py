"""llama.cpp's own converter, `convert_hf_to_gguf.py`, run as a program of its own.

    convert(find_converter(), Path("merged"), Path("out/model.gguf"))     # weights in Q8_0

It is the command `convert-hf-to-gguf` or `convert_hf_to_gguf.py` on the PATH, or the script in the checkout of
llama.cpp that the environment variable DSTILL_LLAMA_CPP names. It is never imported: its package brings another `gguf`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dstill.errors import UsageError

__all__ = ["CHECKOUT", "convert", "find_converter"]

CHECKOUT = "DSTILL_LLAMA_CPP"  # environment variable: a checkout of llama.cpp, or the script in it
SCRIPT = "convert_hf_to_gguf.py"
COMMANDS = ("convert-hf-to-gguf", SCRIPT)


def find_converter() -> list[str]:
    """The beginning of its command line. Raises UsageError if it is not found."""
    if named := os.environ.get(CHECKOUT):
        script = Path(named) / SCRIPT if Path(named).is_dir() else Path(named)
        if not script.is_file():
            raise UsageError(
                f"no {SCRIPT} there", where=f"{CHECKOUT}={named}", hint="name a checkout of llama.cpp, or the script"
            )
        return [sys.executable, str(script)]
    if path := next(filter(None, map(shutil.which, COMMANDS)), None):
        return [path]
    raise UsageError(
        f"exporting this student to gguf needs llama.cpp's converter, {SCRIPT}",
        where="--to gguf: only students that were trained from a GGUF file do without it",
        hint=f"uv tool install convert-hf-to-gguf, or set {CHECKOUT} to a checkout of llama.cpp",
    )


def convert(converter: Sequence[str], merged: Path, file: Path, tokenizer: Any) -> None:
    """Write the student in the folder `merged`, whose tokenizer this is, to `file`, in Q8_0.

    Raises UsageError with what the converter said if it does not support the student.
    """
    _state_space_prefix(merged / "tokenizer_config.json", tokenizer)
    ended = subprocess.run(
        [*converter, "--outtype", "q8_0", "--outfile", str(file), str(merged)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    if ended.returncode != 0 or not file.exists():
        lines = [line for line in ended.stderr.splitlines() if line.strip()] or [f"exit code {ended.returncode}"]
        raise UsageError(
            "llama.cpp's converter does not support this student",
            where=f"{converter[-1]}: {lines[-1][:300]}",
            hint="--to merged works for every student",
        )


def _state_space_prefix(file: Path, tokenizer: Any) -> None:
    """Say whether `tokenizer` puts a space before each text, which llama.cpp assumes of a SentencePiece vocabulary."""
    first = tokenizer.tokenize("a")[0]
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["add_prefix_space"] = first.startswith("▁")
    file.write_text(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
