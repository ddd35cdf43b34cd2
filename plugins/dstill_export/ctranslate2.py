"""The form `ctranslate2`: weights in 8 bits, for CTranslate2's own runtime on a CPU.

    model.bin  config.json  …vocabulary.json  tokenizer…  student.json

Its converter reads the student in one piece (`dstill_export.merged`), which takes that room for a while. A matrix keeps
the scale of each row and 8 bits a weight, so a close call between two tokens may end otherwise: by default 90 % of the
sample have to be answered alike. Encoder–decoders (T5 …) and decoders (Llama, Qwen, Gemma …), as many as CTranslate2
converts; a task word that the answer begins with is given as its prefix.
"""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from dstill.api.student import Generation, Generator
from dstill.errors import MissingExtra, UsageError
from dstill_export.formats import AGAIN, Format, Source, encoder_of
from dstill_export.merged import merged_bytes, write_merged
from dstill_finetune.generation import BATCH

if TYPE_CHECKING:
    from dstill_finetune.encoding import Encoder
    from dstill_finetune.student_metadata import Facts

__all__ = ["CTranslate2"]

_KEPT = ("config.json", "generation_config.json")  # of the merged student: those of CTranslate2's take their place


class CTranslate2(Format):
    name = "ctranslate2"
    rate = 0.9
    on_cpu = True
    library = "ctranslate2"

    def require(self, source: Source) -> None:
        if find_spec("ctranslate2") is None:
            raise MissingExtra("exporting to ctranslate2", "export", "ctranslate2")

    def need(self, source: Source) -> int:
        return 2 * merged_bytes(source)  # the merged student, and at most as much again

    def write(self, source: Source, folder: Path) -> None:
        from dstill_finetune.saving import saving

        merged, converted = folder / "merged", folder / "converted"
        write_merged(source, merged)
        with saving(folder, hint=AGAIN):
            try:
                _converter(merged).convert(str(converted), quantization="int8")
            except (ValueError, NotImplementedError, KeyError) as error:  # an architecture, or an option of one
                raise _refused(error) from error
            for file in merged.iterdir():
                if ".safetensors" not in file.name and file.name not in _KEPT:
                    file.rename(folder / file.name)
            shutil.rmtree(merged)
            for file in converted.iterdir():
                file.rename(folder / file.name)
            converted.rmdir()

    def load(self, folder: Path) -> Generator:
        import ctranslate2

        encoder = encoder_of(folder)
        kind = ctranslate2.Translator if encoder.encoder_decoder else ctranslate2.Generator
        try:
            return _Writer(kind(str(folder), device="cpu", intra_threads=_threads(folder)), encoder)
        except RuntimeError as error:
            raise _refused(error) from error

    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        text = prompt if facts.encoder_decoder else f"{prompt}\n"
        lines = [
            "import ctranslate2",
            "from transformers import AutoTokenizer",
            "",
            'FOLDER = "."',
            "tokenizer = AutoTokenizer.from_pretrained(FOLDER)",
            f"model = ctranslate2.{'Translator' if facts.encoder_decoder else 'Generator'}(FOLDER)",
            f"prompt = {text!r}",
            f'ids = tokenizer(prompt)["input_ids"]{"[:-1]" if cut else ""}',
        ]
        if facts.encoder_decoder:
            prefix = f"[tokenizer.convert_ids_to_tokens({list(task)})]" if task else "None"
            lines += [
                "tokens = tokenizer.convert_ids_to_tokens(ids)",
                f"result = model.translate_batch([tokens], target_prefix={prefix}, beam_size=1,",
                f"                               max_decoding_length={facts.max_target_length})",
                f"written = tokenizer.convert_tokens_to_ids(result[0].hypotheses[0][{len(task)}:])",
            ]
        else:
            begun = f" + {list(task)}" if task else ""
            lines += [
                f"tokens = tokenizer.convert_ids_to_tokens(ids{begun})",
                f"result = model.generate_batch([tokens], max_length={facts.max_target_length},",
                "                              include_prompt_in_result=False)",
                "written = result[0].sequences_ids[0]",
            ]
        return "\n".join([*lines, "print(tokenizer.decode(written, skip_special_tokens=True))", ""])


def _refused(error: Exception) -> UsageError:
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return UsageError(
        "CTranslate2 does not take this student", where=reason[:300], hint="--to merged exports every student"
    )


def _converter(folder: Path) -> Any:
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, kind: Any, name: str, **options: Any) -> Any:
            """CTranslate2 wants every special token; one that the student does not have is never read or written."""
            tokenizer = super().load_tokenizer(kind, name, **options)
            for absent in ("unk_token", "bos_token"):
                if getattr(tokenizer, absent) is None:
                    setattr(tokenizer, absent, tokenizer.pad_token)
            return tokenizer

    return Converter(str(folder))


class _Writer(Generator):
    """Greedy, in batches sorted by length; an answer ends at the end token that the model's own files name."""

    def __init__(self, model: Any, encoder: Encoder) -> None:
        self.model = model
        self.encoder = encoder
        self.batch = BATCH

    def generate(self, sources: Sequence[str]) -> Iterator[Generation]:
        limit, name = self.encoder.max_length, self.encoder.tokenizer.convert_ids_to_tokens
        rows = [(name(ids[:limit]), name(task)) for ids, task in self.encoder.prompts(sources)]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number][0]))
        written: dict[int, Generation] = {}
        for at in range(0, len(rows), self.batch):
            chosen = order[at : at + self.batch]
            started = time.perf_counter()
            found = self._batch([rows[number] for number in chosen])
            seconds = (time.perf_counter() - started) / len(chosen)
            written.update((number, self._written(ids, seconds)) for number, ids in zip(chosen, found, strict=True))
        yield from (written[number] for number in range(len(rows)))

    def _batch(self, rows: Sequence[tuple[list[str], list[str]]]) -> list[list[int]]:
        """The ids that follow each prompt, with the end token where there is one."""
        most = self.encoder.max_target_length
        if not self.encoder.encoder_decoder:
            prompts = [tokens + task for tokens, task in rows]
            results = self.model.generate_batch(
                prompts, max_length=most, include_prompt_in_result=False, return_end_token=True
            )
            return [result.sequences_ids[0] for result in results]
        results = self.model.translate_batch(
            [tokens for tokens, _ in rows],
            target_prefix=[task for _, task in rows],
            beam_size=1,
            max_input_length=0,
            max_decoding_length=most,
            return_end_token=True,
        )
        ids = self.encoder.tokenizer.convert_tokens_to_ids
        return [ids(result.hypotheses[0][len(task) :]) for result, (_, task) in zip(results, rows, strict=True)]

    def _written(self, ids: list[int], seconds: float) -> Generation:
        end = self.encoder.tokenizer.eos_token_id
        ended = end in ids and ids.index(end) == len(ids) - 1  # what goes on after it was stopped by the limit
        text = self.encoder.decode(ids[:-1] if ended else ids)
        return Generation(text=text, tokens=len(ids), seconds=seconds, truncated=not ended)


def _threads(folder: Path) -> int:
    """Of the CPU, as the student's training was told; 0: CTranslate2's own choice."""
    from dstill_finetune.student_metadata import Facts

    return Facts.read(folder).threads
