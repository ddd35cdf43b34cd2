r"""The Modelfile with which Ollama asks a student in GGUF what it was trained on.

    ollama create NAME -f Modelfile && ollama run NAME "how many requests failed"

    FROM ./model.gguf
    TEMPLATE … {{ .Prompt }}<end_of_turn>⏎<start_of_turn>model …
    PARAMETER stop "<end_of_turn>"
    PARAMETER temperature 0

Ollama does not read the chat template of the file: its templates are in the language of Go. So the student's template
is rendered once without and once with a system message, and the text around the messages is copied. The start token is
left out: llama.cpp adds it if the file says so (`dstill_export.gguf_copy`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["modelfile"]

SYSTEM, SOURCE = "dstillsystemdstill", "dstillsourcedstill"
_VALUES = {SYSTEM: "{{ .System }}", SOURCE: "{{ .Prompt }}"}


def modelfile(file: str, tokenizer: Any, facts: Facts) -> str:
    """The text of the Modelfile next to `file`, for a student that a conversation with `tokenizer` asks."""
    from dstill_finetune.chat import Chat

    chat = Chat(tokenizer, facts.system_messages)
    user = {"role": "user", "content": SOURCE}
    alone = _template(chat.rendered([user]), tokenizer)
    both = _template(chat.rendered([{"role": "system", "content": SYSTEM}, user]), tokenizer)
    # an answer ends with the end token, which Ollama reads from the file; the text stops it too
    return "\n".join(
        [
            f"FROM ./{file}",
            f'TEMPLATE """{{{{ if .System }}}}{both}{{{{ else }}}}{alone}{{{{ end }}}}"""',
            f'PARAMETER stop "{_quoted(tokenizer.eos_token)}"',
            "PARAMETER temperature 0",
            f"PARAMETER num_ctx {facts.max_length + facts.max_target_length}",
            f"PARAMETER num_predict {facts.max_target_length}",
            "",
        ]
    )


def _template(rendered: str, tokenizer: Any) -> str:
    """A rendered conversation as a template of Go: `SYSTEM` and `SOURCE` are values, everything else is text."""
    text = rendered.removeprefix(tokenizer.bos_token) if tokenizer.bos_token else rendered
    parts = re.split(f"({SYSTEM}|{SOURCE})", text)
    return "".join(_VALUES.get(part) or _text(part) for part in parts)


def _text(part: str) -> str:
    """`part` in a template: braces and quotes that would end it are values."""
    return part.replace("{{", "{{ `{{` }}").replace('""', '"{{ `"` }}')


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
