"""The format `adapter`: only the adapter, for peft, with the base model if it exists nowhere else.

adapter_config.json  adapter_model.safetensors  generation_config.json  tokenizer…  student.json  [base/]
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from dstill.api.student import Generator
from dstill.errors import UsageError
from dstill_export.formats import RETRY_HINT, Format, Source, copy_tokenizer, encoder_of, folder_size

__all__ = ["Adapter"]

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "base"


class Adapter(Format):
    """The adapter of a student that was trained with one."""

    name = "adapter"
    library = "peft"

    def check(self, source: Source) -> None:
        if not source.facts.adapter:
            raise UsageError(
                "this student has no adapter: it was trained in full",
                where="--to adapter",
                hint="--to merged exports all of its weights",
            )

    def disk_space(self, source: Source) -> int:
        return folder_size(source.folder)

    def write(self, source: Source, folder: Path) -> None:
        from dstill_torch.saving import saving

        with saving(folder, hint=RETRY_HINT):
            config = json.loads((source.folder / CONFIG).read_text(encoding="utf-8"))
            if source.facts.base == BASE:
                config["base_model_name_or_path"] = BASE  # relative, instead of the run's folder
                shutil.copytree(source.folder / BASE, folder / BASE)
            (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            shutil.copyfile(source.folder / WEIGHTS, folder / WEIGHTS)
            copy_tokenizer(source, folder)
            source.facts.write(folder)
            source.student.load(source.folder).model.generation_config.save_pretrained(folder)

    def load(self, folder: Path) -> Generator:
        from transformers import GenerationConfig

        from dstill_export.hf_folder import PlainGenerator
        from dstill_finetune.hf import Hf

        # Like the code in the model card, use the generation settings of the exported files.
        loaded = Hf().load(folder)
        model = loaded.model
        model.generation_config = GenerationConfig.from_pretrained(str(folder), local_files_only=True)
        return PlainGenerator(model, encoder_of(folder, model=model), threads=loaded.threads)
