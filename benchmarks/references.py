"""What dstill's training is measured against, written down plainly: same rows, same model, same Trainer underneath.

    two_passes      the algorithm of google-research/distilling-step-by-step: a pandas frame a batch, label and
                    rationale each padded apart, each a pass with the whole head, batches as they come
    two_sequences   the same of a decoder-only student: question and target in one sequence, twice
    trl             TRL's SFTTrainer over the sequences of both branches, its loss on the targets alone

Each trains one epoch and gives the seconds that it took (`measure.clock`). A row is a dict of token
ids: input, label, rationale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import clock

__all__ = ["BATCH", "EOS", "EXPLAIN", "PAD", "PREDICT", "Rows", "trl", "two_passes", "two_sequences"]

Rows = Sequence[dict[str, list[int]]]
PAD, EOS, PREDICT, EXPLAIN = 0, 1, 2, 3
BATCH = 4  # records; a step of either branch's sequences
ALPHA = 0.5
IGNORED = -100


def two_passes(model: Any, rows: Rows) -> float:
    features = [
        {
            "input_ids": [PREDICT, *row["input"]],
            "attention_mask": [1] * (1 + len(row["input"])),
            "labels": row["label"],
            "expl_input_ids": [EXPLAIN, *row["input"]],
            "expl_attention_mask": [1] * (1 + len(row["input"])),
            "aux_labels": row["rationale"],
        }
        for row in rows
    ]
    return _trained(model, features)


def two_sequences(model: Any, rows: Rows) -> float:
    features = []
    for row in rows:
        feature = {}
        for prefix, word, target in (("", PREDICT, "label"), ("expl_", EXPLAIN, "rationale")):
            prompt = [word, *row["input"]]
            feature[f"{prefix}input_ids"] = prompt + row[target]
            feature[f"{prefix}attention_mask"] = [1] * (len(prompt) + len(row[target]))
            feature["labels" if not prefix else "aux_labels"] = [IGNORED] * len(prompt) + row[target]
        features.append(feature)
    return _trained(model, features)


def _trained(model: Any, features: Sequence[dict[str, list[int]]]) -> float:
    import pandas
    import torch
    from transformers import Trainer, TrainingArguments

    def padded(rows: Any, value: int) -> torch.Tensor:
        longest = max(map(len, rows))
        return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])

    def half(frame: Any, prefix: str, labels: str) -> dict[str, torch.Tensor]:
        return {
            "input_ids": padded(frame[f"{prefix}input_ids"], PAD),
            "attention_mask": padded(frame[f"{prefix}attention_mask"], 0),
            "labels": padded(frame[labels], IGNORED),
        }

    def collate(batch: Sequence[dict[str, list[int]]]) -> dict[str, dict[str, torch.Tensor]]:
        frame = pandas.DataFrame(batch)
        return {"pred": half(frame, "", "labels"), "expl": half(frame, "expl_", "aux_labels")}

    class TwoPasses(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            label, rationale = model(**inputs["pred"]), model(**inputs["expl"])
            return ALPHA * label.loss + (1 - ALPHA) * rationale.loss

    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(**_options(folder), per_device_train_batch_size=BATCH)
        trainer = TwoPasses(model=model, args=arguments, train_dataset=list(features), data_collator=collate)
        return _timed(trainer)


def trl(model: Any, rows: Rows) -> float:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from datasets import Dataset, disable_progress_bars
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    sequences = []
    for row in rows:
        for word, target in ((PREDICT, "label"), (EXPLAIN, "rationale")):
            prompt = [word, *row["input"]]
            ids = prompt + row[target]
            sequences.append({"input_ids": ids, "completion_mask": [0] * len(prompt) + [1] * len(row[target])})
    words = {"<pad>": PAD, "</s>": EOS}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, "<pad>")), pad_token="<pad>", eos_token="</s>"
    )
    with TemporaryDirectory() as folder:
        config = SFTConfig(
            **_options(folder),
            per_device_train_batch_size=2 * BATCH,
            gradient_checkpointing=False,
            completion_only_loss=True,
            bf16=False,
            max_length=None,
        )
        trainer = SFTTrainer(
            model=model, args=config, train_dataset=Dataset.from_list(sequences), processing_class=tokenizer
        )
        return _timed(trainer)


def _options(folder: str) -> dict[str, Any]:
    import torch

    return {
        "output_dir": folder,
        "num_train_epochs": 1,
        "learning_rate": 1e-4,
        "use_cpu": not torch.cuda.is_available(),
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }


def _timed(trainer: Any) -> float:
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.args._n_gpu = min(1, trainer.args.n_gpu)
    started = clock()
    trainer.train()
    return clock() - started
