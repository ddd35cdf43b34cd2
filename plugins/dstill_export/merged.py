"""The form `merged`: one folder of safetensors that plain transformers opens.

    config.json  model.safetensors  generation_config.json  tokenizer…  student.json

An adapter's weights are added to those of its base, a base in 4 bits is unpacked before. The weights keep the number
format of training. `write_merged` is also what the other forms convert.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from dstill.api.student import Generator
from dstill_export.formats import AGAIN, Format, Source, bytes_of, encoder_of

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["Merged", "merged_bytes", "write_merged"]


class Merged(Format):
    name = "merged"

    def need(self, source: Source) -> int:
        return merged_bytes(source)

    def write(self, source: Source, folder: Path) -> None:
        write_merged(source, folder)

    def load(self, folder: Path) -> Generator:
        import torch
        import transformers

        from dstill_export.hf_folder import PlainWriter
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        kind = transformers.AutoModelForSeq2SeqLM if facts.encoder_decoder else transformers.AutoModelForCausalLM
        model = kind.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        device = "cuda" if torch.cuda.is_available() else "cpu"  # where the student is evaluated too
        return PlainWriter(model.to(device), encoder_of(folder, model=model), threads=facts.threads)

    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        from dstill_finetune.card import usage

        return usage(facts, prompt, task, cut=cut)


def write_merged(source: Source, folder: Path) -> None:
    """Model, tokenizer and facts of the student in one piece."""
    from dstill_finetune.saving import saving

    model, tokenizer, facts = source.student.merged(source.folder)
    with saving(folder, hint=AGAIN):
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
        facts.write(folder)


def merged_bytes(source: Source) -> int:
    """What the student takes in one piece, counted from its architecture where it lies in two."""
    facts, own = source.facts, bytes_of(source.folder)
    if not facts.adapter:
        return own
    from dstill_finetune import model_loading
    from dstill_finetune.model_spec import shape_of

    base = str(source.folder / "base") if facts.base == "base" else facts.base
    return own + shape_of(model_loading.config_of(base)).parameters * (2 if facts.precision == "bf16" else 4)
