"""Generates answers with llama.cpp, which the package xllamacpp contains, from a GGUF file and nothing else.

    LlamaCppGenerator(Path("model.gguf"), facts).generate([ModelInput(text="predict: …", example=…)])

llama.cpp renders the conversation with the file's chat template, and encodes it with the file's vocabulary: as
`llama-server` answers any client.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import ModelInput
from dstill.api.student import Generation, Generator
from dstill.errors import UsageError

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["LlamaCppGenerator", "is_installed", "usage"]

SILENCE = -1  # verbosity


def is_installed() -> bool:
    """Whether llama.cpp can be used here."""
    return find_spec("xllamacpp") is not None


class LlamaCppGenerator(Generator):
    """Asks one question after the other; greedy.

    Raises UsageError if llama.cpp cannot load the file.
    """

    def __init__(self, file: Path, facts: Facts) -> None:
        import xllamacpp

        self.facts = facts
        settings = xllamacpp.CommonParams()
        settings.model.path, settings.verbosity = str(file), SILENCE
        settings.n_ctx = facts.max_length + facts.max_target_length
        if facts.threads:
            settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = facts.threads
        try:
            self.server = xllamacpp.Server(settings)
        except RuntimeError as error:
            raise UsageError(
                "llama.cpp cannot load the exported file",
                where=f"{file.name}: {error}",
                hint="--to merged works for every student",
            ) from error

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for source in sources:
            started = time.perf_counter()
            answer = self._answer(source.text)
            choice = answer["choices"][0]
            yield Generation(
                text=choice["message"]["content"] or "",
                tokens=answer["usage"]["completion_tokens"],
                seconds=time.perf_counter() - started,
                truncated=choice["finish_reason"] == "length",
            )

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        return [self._answer(source.text, most=1)["usage"]["prompt_tokens"] for source in sources]

    def _answer(self, text: str, most: int = 0) -> Any:
        most = most or self.facts.max_target_length
        body = {"messages": _messages(text, self.facts), "temperature": 0, "max_tokens": most}
        answer = self.server.handle_chat_completions(body)
        if "error" in answer:
            raise UsageError("llama.cpp refuses the question", where=str(answer["error"])[:300])
        return answer


def _messages(text: str, facts: Facts) -> list[dict[str, str]]:
    """The conversation that asks for the answer to `text`, which begins with a task word."""
    from dstill_finetune.chat import Chat

    words = facts.system_messages
    word = next((word for word in sorted(words, key=len, reverse=True) if text.startswith(word)), "")
    return Chat(None, words).messages(word, text.removeprefix(word))


def usage(file: str, facts: Facts, text: str) -> str:
    """Python code for the model card that asks the student in `file` what `text` asks."""
    return "\n".join(
        [
            "import xllamacpp",
            "",
            "settings = xllamacpp.CommonParams()",
            f'settings.model.path, settings.verbosity = "{file}", {SILENCE}',
            f"settings.n_ctx = {facts.max_length + facts.max_target_length}",
            "server = xllamacpp.Server(settings)",
            f"messages = {_messages(text, facts)!r}",
            'answer = server.handle_chat_completions({"messages": messages, "temperature": 0,',
            f'                                         "max_tokens": {facts.max_target_length}}})',
            'print(answer["choices"][0]["message"]["content"])',
            "",
        ]
    )
