"""The format `merged`: a folder of safetensors for plain transformers.

    config.json  model.safetensors  generation_config.json  tokenizer…  student.json

The weights of an adapter are added to those of its base, which is dequantized first if it is in 4 bits. The weights
keep the data type of training. Other formats convert the output of `write_merged`.
"""

from __future__ import annotations

from pathlib import Path

from dstill.api.student import Generator
from dstill_export.formats import RETRY_HINT, Format, Source, encoder_of, folder_size

__all__ = ["Merged", "merged_bytes", "write_merged"]


class Merged(Format):
    """The whole student in one model."""

    name = "merged"

    def disk_space(self, source: Source) -> int:
        return merged_bytes(source)

    def write(self, source: Source, folder: Path) -> None:
        write_merged(source, folder)

    def load(self, folder: Path) -> Generator:
        import torch
        import transformers

        from dstill_export.hf_folder import PlainGenerator
        from dstill_finetune.student_metadata import Facts

        facts = Facts.read(folder)
        kind = transformers.AutoModelForSeq2SeqLM if facts.encoder_decoder else transformers.AutoModelForCausalLM
        model = kind.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        device = "cuda" if torch.cuda.is_available() else "cpu"  # the device on which the student is evaluated
        return PlainGenerator(model.to(device), encoder_of(folder, model=model), threads=facts.threads)


def write_merged(source: Source, folder: Path) -> None:
    """Write the merged model, the tokenizer and the student's metadata."""
    from dstill_torch.saving import saving

    model, tokenizer, facts = source.student.merged(source.folder)
    with saving(folder, hint=RETRY_HINT):
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
        facts.write(folder)


def merged_bytes(source: Source) -> int:
    """Bytes of the merged student; for an adapter, estimated from the architecture of its base."""
    facts, own = source.facts, folder_size(source.folder)
    if not facts.adapter:
        return own
    from dstill_finetune import model_loading
    from dstill_finetune.model_spec import shape_of

    base = str(source.folder / "base") if facts.base == "base" else facts.base
    return own + shape_of(model_loading.config_of(base)).parameters * (2 if facts.precision == "bf16" else 4)
