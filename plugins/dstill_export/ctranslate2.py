"""The format `ctranslate2`: 8-bit weights, for the CTranslate2 runtime on a CPU.

    model.bin  config.json  …vocabulary.json  tokenizer…  student.json

The converter reads the merged student (`dstill_export.merged`), which is written to disk temporarily. A matrix becomes
8-bit integers with one scale per row, so two tokens with similar probabilities may change places: by default only 90 %
of the sample must be answered alike. Supports the encoder–decoders (T5 …) and decoders (Llama, Qwen, Gemma …) that
CTranslate2 converts. A task word that starts the answer is passed as the target prefix.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.student import Generator
from dstill.errors import MissingExtra, UsageError
from dstill_export.formats import RETRY_HINT, Format, Source, encoder_of
from dstill_export.merged import merged_bytes, write_merged

if TYPE_CHECKING:
    from dstill_finetune.card import Prompt
    from dstill_finetune.student_metadata import Facts

__all__ = ["CTranslate2"]

_OWN_FILES = ("config.json", "generation_config.json")  # files of the merged student that CTranslate2 writes itself


class CTranslate2(Format):
    """A student converted with CTranslate2's `TransformersConverter`, quantized to int8."""

    name = "ctranslate2"
    min_parity = 0.9
    on_cpu = True
    library = "ctranslate2"

    def check(self, _: Source) -> None:
        if find_spec("ctranslate2") is None:
            raise MissingExtra("exporting to ctranslate2", "export", "ctranslate2")

    def disk_space(self, source: Source) -> int:
        return 2 * merged_bytes(source)  # the merged student and at most the same for the converted one

    def write(self, source: Source, folder: Path) -> None:
        from dstill_torch.saving import saving

        merged, converted = folder / "merged", folder / "converted"
        write_merged(source, merged)
        with saving(folder, hint=RETRY_HINT):
            try:
                _converter(merged).convert(str(converted), quantization="int8")
            except (ValueError, NotImplementedError, KeyError) as error:  # an unsupported architecture or option
                raise _unsupported(error) from error
            for file in merged.iterdir():
                if ".safetensors" not in file.name and file.name not in _OWN_FILES:
                    file.rename(folder / file.name)
            shutil.rmtree(merged)
            for file in converted.iterdir():
                file.rename(folder / file.name)
            converted.rmdir()

    def load(self, folder: Path) -> Generator:
        from dstill_export.ctranslate2_generator import CTranslate2Generator

        try:
            return CTranslate2Generator.load(folder, encoder_of(folder))
        except RuntimeError as error:
            raise _unsupported(error) from error

    def usage(self, facts: Facts, prompt: Prompt, task: Sequence[int], *, cut: bool) -> str:
        from dstill_finetune.card import prompt_lines

        lines = [
            "import ctranslate2",
            "from transformers import AutoTokenizer",
            "",
            'FOLDER = "."',
            "tokenizer = AutoTokenizer.from_pretrained(FOLDER)",
            f"model = ctranslate2.{'Translator' if facts.encoder_decoder else 'Generator'}(FOLDER)",
            *prompt_lines(facts, prompt, cut=cut, tensors=False),
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
            prefix = f" + {list(task)}" if task else ""
            lines += [
                f"tokens = tokenizer.convert_ids_to_tokens(ids{prefix})",
                f"result = model.generate_batch([tokens], max_length={facts.max_target_length},",
                "                              include_prompt_in_result=False)",
                "written = result[0].sequences_ids[0]",
            ]
        return "\n".join([*lines, "print(tokenizer.decode(written, skip_special_tokens=True))", ""])


def _unsupported(error: Exception) -> UsageError:
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return UsageError(
        "CTranslate2 does not support this student", where=reason[:300], hint="--to merged works for every student"
    )


def _converter(folder: Path) -> Any:
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, kind: Any, name: str, **options: Any) -> Any:
            """Set missing special tokens, which CTranslate2 requires, to the padding token; they are never used.

            Of some models, CTranslate2 takes the end token from their family if there is a chat template.
            """
            tokenizer = super().load_tokenizer(kind, name, **options)
            tokenizer.chat_template = None
            for missing in ("unk_token", "bos_token"):
                if getattr(tokenizer, missing) is None:
                    setattr(tokenizer, missing, tokenizer.pad_token)
            return tokenizer

    return Converter(str(folder))
