"""The format `gguf`: one file for llama.cpp and tools that use it, in Q8_0 (8 bits, one scale per 32 weights).

    model.gguf  Modelfile (for Ollama)  student.json

A student that was trained from a GGUF file is written as a copy of it (`dstill_export.gguf_copy`), any other decoder by
llama.cpp's own converter (`dstill_export.llama_cpp`).

The parity check asks llama.cpp itself if the package xllamacpp is installed; else it loads model and tokenizer with
transformers' GGUF reader. As for CTranslate2, 90 % of the sample must be answered alike.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dstill.api.records import ModelInput
from dstill.api.student import Generator
from dstill.errors import DataError, MissingExtra, UsageError
from dstill_export import gguf_copy, llama_cpp, llama_cpp_generator
from dstill_export.formats import RETRY_HINT, Format, Source, encoder_of
from dstill_export.merged import merged_bytes, write_merged
from dstill_export.modelfile import modelfile

if TYPE_CHECKING:
    from dstill_finetune.card import Prompt
    from dstill_finetune.student_metadata import Facts

__all__ = ["Gguf"]

FILE = "model.gguf"


class Gguf(Format):
    """A decoder in one GGUF file."""

    name = "gguf"
    min_parity = 0.9
    on_cpu = True
    library = "gguf"

    def check(self, source: Source) -> None:
        from dstill_finetune.gguf_files import is_gguf

        base = Path(source.facts.base)
        if source.facts.encoder_decoder:
            raise UsageError(
                "an encoder–decoder cannot be exported to gguf",
                where="--to gguf is for decoders",
                hint="use --to ctranslate2 or --to merged",
            )
        if is_gguf(source.facts.base) and not base.exists():
            raise UsageError(
                "the GGUF file that the student was trained from is missing, but the export needs its vocabulary",
                where=source.facts.base,
                hint="restore it",
            )
        if not self._is_copied(source):
            llama_cpp.find_converter()
        if find_spec("gguf") is None and (self._is_copied(source) or not _asks_llama_cpp(source.facts)):
            raise MissingExtra("exporting to gguf", "gguf", "gguf")

    def disk_space(self, source: Source) -> int:
        if not self._is_copied(source):
            return 2 * merged_bytes(source)  # the merged student, and at most the same for the converted one
        from dstill_finetune import model_loading
        from dstill_finetune.model_spec import shape_of

        shape = shape_of(model_loading.config_of(source.facts.base))
        return 2 * shape.parameters + 4 * shape.embedding  # Q8_0 takes 34 bytes for 32 weights

    def write(self, source: Source, folder: Path) -> None:
        from dstill_finetune.adapter_loading import saved_tokenizer
        from dstill_finetune.student_metadata import Facts
        from dstill_torch.saving import saving

        if self._is_copied(source):
            model, tokenizer, facts = source.student.merged(source.folder)
            with saving(folder, hint=RETRY_HINT):
                gguf_copy.write(Path(source.facts.base), model, tokenizer, folder / FILE)
        else:
            merged = folder / "merged"
            write_merged(source, merged)
            tokenizer, facts = saved_tokenizer(merged), Facts.read(merged)
            with saving(folder, hint=RETRY_HINT):
                llama_cpp.convert(llama_cpp.find_converter(), merged, folder / FILE, tokenizer)
                shutil.rmtree(merged)
        with saving(folder, hint=RETRY_HINT):
            facts.write(folder)
            if facts.system_messages:
                (folder / "Modelfile").write_text(modelfile(FILE, tokenizer, facts), encoding="utf-8")

    def load(self, folder: Path) -> Generator:
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        if _asks_llama_cpp(facts):
            return llama_cpp_generator.LlamaCppGenerator(folder / FILE, facts)
        try:
            return _read_by_transformers(folder, facts)
        except DataError as error:
            error.hint = "pip install 'dstill[llama-cpp]': the export is then checked with llama.cpp itself"
            raise

    def runtime(self, facts: Facts) -> str:
        return "llama.cpp (xllamacpp)" if _asks_llama_cpp(facts) else "transformers' GGUF reader"

    def example_code(self, source: Source, folder: Path, question: ModelInput) -> str:
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        if _asks_llama_cpp(facts):
            return llama_cpp_generator.usage(FILE, facts, question.text)
        return super().example_code(source, folder, question)

    def usage(self, facts: Facts, prompt: Prompt, task: Sequence[int], *, cut: bool) -> str:
        from dstill_finetune.card import prompt_lines

        prefix = f" + {list(task)}" if task else ""
        return "\n".join(
            [
                "import torch",
                "from transformers import AutoModelForCausalLM, AutoTokenizer",
                "",
                'FOLDER = "."',
                f'tokenizer = AutoTokenizer.from_pretrained(FOLDER, gguf_file="{FILE}")',
                f'model = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file="{FILE}", dtype=torch.float32)',
                *prompt_lines(facts, prompt, cut=cut, tensors=False),
                f"ids = torch.tensor([ids{prefix}])",
                "output = model.generate(input_ids=ids, attention_mask=ids.new_ones(ids.shape), do_sample=False,",
                f"                        max_new_tokens={facts.max_target_length},",
                "                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)",
                "print(tokenizer.decode(output[0][ids.shape[1]:], skip_special_tokens=True))",
                "",
            ]
        )

    @staticmethod
    def _is_copied(source: Source) -> bool:
        from dstill_finetune.gguf_files import is_gguf

        return is_gguf(source.facts.base) and gguf_copy.supports(Path(source.facts.base))


def _asks_llama_cpp(facts: Facts) -> bool:
    """Whether llama.cpp is here, and the file has a chat template that renders the prompt of training."""
    return llama_cpp_generator.is_installed() and bool(facts.system_messages)


def _read_by_transformers(folder: Path, facts: Facts) -> Generator:
    import torch
    import transformers

    from dstill_export.hf_folder import PlainGenerator
    from dstill_finetune import gguf_files
    from dstill_torch.settings import quiet

    quiet()
    file = folder / FILE
    model = gguf_files.load_model(file, transformers.AutoModelForCausalLM, {"dtype": torch.float32})
    tokenizer = gguf_files.load_tokenizer(file)
    settings = model.generation_config
    settings.do_sample, settings.max_length, settings.max_new_tokens = False, None, facts.max_target_length
    settings.eos_token_id, settings.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    return PlainGenerator(model, encoder_of(folder, tokenizer, model), threads=facts.threads)
