"""The student `tiny`: a small T5 and a tokenizer, both trained on the dataset. Nothing is downloaded.

    dstill train --student tiny             from scratch
    dstill train --student tiny:FOLDER      from an earlier student, for example one for another index

The architecture is T5 v1.1's (gated GELU) with tied embeddings, small enough for two CPU cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dstill.api.modality import ModelSpec
from dstill.api.records import Pair
from dstill.api.setting import setting
from dstill.api.student import TrainingJob
from dstill.runtime import distributed
from dstill_finetune import model_loading
from dstill_finetune.declarations import TINY
from dstill_finetune.model_spec import shape_of
from dstill_finetune.students import Finetuned
from dstill_finetune.tokenizer import learn
from dstill_torch.modalities import Full
from dstill_torch.saving import saving

__all__ = ["Tiny", "TinyConfig"]


@dataclass(frozen=True, kw_only=True)
class TinyConfig:
    """The student `tiny`: a small T5, trained from scratch."""

    d_model: int = setting(128, "Hidden size.", low=16, high=2048)
    d_ff: int = setting(256, "Size of the gated feed-forward layers.", low=16, high=8192)
    num_heads: int = setting(4, "Attention heads in each layer.", low=1, high=64)
    num_layers: int = setting(2, "Layers of the encoder.", low=1, high=48)
    num_decoder_layers: int = setting(2, "Layers of the decoder.", low=1, high=48)
    dropout_rate: float = setting(0.0, "Dropout in every layer.", low=0, high=0.9)
    vocabulary: int = setting(
        1500, "Largest vocabulary of the tokenizer, which is learned from the dataset.", low=300, high=65536
    )


class Tiny(Finetuned, declared=TINY):
    """A small T5, trained from scratch, or from the folder of an earlier one (`tiny:FOLDER`)."""

    Config = TinyConfig
    config: TinyConfig
    recipe: ClassVar[Mapping[str, Any]] = {
        "train.label_weight": 0.8,
        "train.learning_rate": 2e-3,
        "train.per_device_train_batch_size": 32,
        "train.num_train_epochs": 5.0,  # more rows with fewer epochs generalize better than the reverse
        "train.max_length": 256,
        "train.max_target_length": 128,
        "train.optim": "adamw_torch_fused",
        "train.threads": 1,  # a second thread is a third faster on an idle machine, and five times slower on a busy one
    }
    smallest: ClassVar[Mapping[str, Any]] = {"d_model": 32, "d_ff": 64}

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        if self.base:
            return shape_of(model_loading.config_of(self.base))
        return shape_of(self.t5(self.config.vocabulary))

    def start(self, job: TrainingJob) -> tuple[Any, str]:
        """Tokenizer and base; for adapters, the untrained model is saved as their base."""
        tokenizer = self.tokenizer(job.train)
        if self.base:
            return tokenizer, self.base
        if isinstance(job.modality, Full):
            return tokenizer, ""
        base = job.folder / "base"

        def save() -> Path:
            with saving(base):
                tokenizer.save_pretrained(base)
                self._seeded(len(tokenizer), job.seed).save_pretrained(base)
            return base.absolute()

        first = distributed.broadcast(save)  # transformers saves only in the first of several processes
        if not distributed.is_main():
            base.symlink_to(first)
        return tokenizer, "base"

    def tokenizer(self, train: Sequence[Sequence[Pair]]) -> Any:
        """Trained on the records, also for the planner: it takes no longer than reading them."""
        if self.base:
            return super().tokenizer(train)
        texts = [text for record in train for p in record for text in (p.task_prefix + p.source, p.target)]
        return learn(texts, self.config.vocabulary)

    def build(self, folder: Path, seed: int) -> Any:
        if (folder / "config.json").exists():  # a trained student's own configuration
            from transformers import T5Config

            return _seeded_model(T5Config.from_pretrained(folder), seed)
        from transformers import AutoTokenizer

        return self._seeded(len(AutoTokenizer.from_pretrained(folder)), seed)

    def _seeded(self, vocabulary: int, seed: int) -> Any:
        return _seeded_model(self.t5(vocabulary), seed)

    def t5(self, vocabulary: int) -> Any:
        """The configuration of the model for a tokenizer of `vocabulary` tokens."""
        from transformers import T5Config

        c = self.config
        return T5Config(
            vocab_size=vocabulary,
            d_model=c.d_model,
            d_kv=c.d_model // c.num_heads,
            d_ff=c.d_ff,
            num_heads=c.num_heads,
            num_layers=c.num_layers,
            num_decoder_layers=c.num_decoder_layers,
            dropout_rate=c.dropout_rate,
            feed_forward_proj="gated-gelu",
            relative_attention_num_buckets=32,
            relative_attention_max_distance=64,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )


def _seeded_model(config: Any, seed: int) -> Any:
    """A model with random weights that depend only on `seed`."""
    import torch
    from transformers import T5ForConditionalGeneration

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return T5ForConditionalGeneration(config)
