"""The form `adapter`: the adapter alone, which peft puts on its base, with the base beside it where it has no other.

adapter_config.json  adapter_model.safetensors  generation_config.json  tokenizer…  student.json  [base/]
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from dstill.api.student import Generator
from dstill.errors import UsageError
from dstill_export.formats import AGAIN, Format, Source, bytes_of, copy_tokenizer

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["Adapter"]

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "base"


class Adapter(Format):
    name = "adapter"
    library = "peft"

    def require(self, source: Source) -> None:
        if not source.facts.adapter:
            raise UsageError(
                "this student has no adapter: it was trained in full",
                where="--to adapter",
                hint="--to merged exports all of its weights",
            )

    def need(self, source: Source) -> int:
        return bytes_of(source.folder)

    def write(self, source: Source, folder: Path) -> None:
        from dstill_finetune.saving import saving

        with saving(folder, hint=AGAIN):
            config = json.loads((source.folder / CONFIG).read_text(encoding="utf-8"))
            if source.facts.base == BASE:
                config["base_model_name_or_path"] = BASE  # not where the run lies
                shutil.copytree(source.folder / BASE, folder / BASE)
            (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            shutil.copyfile(source.folder / WEIGHTS, folder / WEIGHTS)
            copy_tokenizer(source, folder)
            source.facts.write(folder)
            source.student.load(source.folder).model.generation_config.save_pretrained(folder)

    def load(self, folder: Path) -> Generator:
        from transformers import GenerationConfig

        from dstill_export.hf_folder import PlainWriter
        from dstill_finetune.hf import Hf

        # transformers and peft, as the card does; what `load` says of generation gives way to the files' own
        loaded = Hf().load(folder)
        model = loaded.model
        model.generation_config = GenerationConfig.from_pretrained(str(folder), local_files_only=True)
        return PlainWriter(model, loaded.encoder, threads=loaded.threads)

    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        from dstill_finetune.card import usage

        return usage(facts, prompt, task, cut=cut)
