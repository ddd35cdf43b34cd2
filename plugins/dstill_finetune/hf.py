"""The student `hf`: any encoder–decoder or decoder that transformers supports, by hub id, folder or GGUF file.

dstill train --student hf:google/flan-t5-small
dstill train --student hf:./my-model
dstill train --student my-model.gguf
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.api.modality import ModelSpec
from dstill.api.recipe import Recipe
from dstill.api.setting import setting
from dstill.api.student import Preset, TrainingJob
from dstill.errors import DataError
from dstill_finetune import gguf_files, model_loading
from dstill_finetune.declarations import HF
from dstill_finetune.model_spec import shape_of
from dstill_finetune.presets import preset_of
from dstill_finetune.students import Finetuned

__all__ = ["Hf", "HfConfig"]


@dataclass(frozen=True, kw_only=True)
class HfConfig:
    """Students that start from a pretrained model (`hf:…`)."""

    pad_token: str = setting("", "Padding token for a tokenizer that has none: one of its existing tokens.")


class Hf(Finetuned, declared=HF):
    """A pretrained model (a folder, a Hub id or a GGUF file) that is fine-tuned."""

    reads_prompts = True
    Config = HfConfig
    config: HfConfig

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        return shape_of(model_loading.config_of(self.base))

    def preset(self, recipe: Recipe, modality: str = "") -> Preset | None:
        return preset_of(self.base, recipe, modality)

    def start(self, job: TrainingJob) -> tuple[Any, str]:
        tokenizer = model_loading.load_tokenizer(self.base)
        where = self.base if gguf_files.is_gguf(self.base) else str(Path(self.base) / "tokenizer_config.json")
        if tokenizer.eos_token_id is None:
            raise DataError("the tokenizer has no end-of-sequence token, so no answer would end", where=where)
        if self.config.pad_token:
            if tokenizer.convert_tokens_to_ids(self.config.pad_token) in (None, tokenizer.unk_token_id):
                raise DataError(f"the tokenizer has no token '{self.config.pad_token}'", where=where)
            tokenizer.pad_token = self.config.pad_token
        if tokenizer.pad_token_id is None:
            raise DataError(
                "the tokenizer has no pad token",
                where=where,
                hint=f'name one of its tokens in [student.hf]: pad_token = "{tokenizer.eos_token}"',
            )
        return tokenizer, self.base

    def build(self, folder: Path, seed: int) -> Any:
        raise DataError("the student's base model is not given", where=str(folder))
