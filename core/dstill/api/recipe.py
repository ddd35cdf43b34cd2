"""How and where to train: the ``[train]`` section, and the device. Memory is in bytes, time in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = ["Device", "Recipe"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """Where training happens, or would happen (``plan --vram``)."""

    name: str
    kind: Literal["cpu", "cuda"]
    total: int  # bytes
    free: int  # bytes free now; of a machine that is not this one: its total
    bf16: bool = False
    here: bool = True  # False: only planned for


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: the ``[train]`` section. Names are transformers' and peft's own."""

    student: str = field(
        default="",
        metadata={
            "help": "kind of student, kind:base as hf:google/flan-t5-small, or FILE.gguf; empty: one made from nothing",
            "trust": "student",
        },
    )
    objective: str = field(default="dss", metadata={"help": "what the student learns"})
    modality: str = field(
        default="auto", metadata={"help": "how much of the model is trained; auto: by the memory at hand"}
    )
    policy: Literal["fullest", "recipe"] = field(
        default="fullest",
        metadata={
            "help": "for auto: the fullest modality that fits, or the recipe's rule for small GPUs",
            "renamed": {"seed": "recipe"},
        },
    )
    alpha: float = field(
        default=0.5, metadata={"low": 0, "high": 1, "help": "weight of the label branch in dss; 1 - alpha: rationale"}
    )
    task_prefix: Literal["encoder", "decoder"] = field(
        default="encoder",
        metadata={
            "help": "where the task word stands. encoder: before the question, as published; decoder: where the answer "
            "begins, so that the question is computed once for all branches"
        },
    )
    learning_rate: float = field(default=5e-5, metadata={"low": 1e-9, "high": 10})
    per_device_train_batch_size: int = field(default=2, metadata={"low": 1, "high": 65536})
    gradient_accumulation_steps: int = field(default=1, metadata={"low": 1, "high": 65536})
    num_train_epochs: float = field(default=3.0, metadata={"low": 0, "high": 100000})
    max_steps: int = field(
        default=-1, metadata={"low": -1, "high": 10**9, "help": "optimizer steps; below 1: by epochs"}
    )
    max_seconds: float = field(default=0.0, metadata={"low": 0, "help": "stop after this much training; 0: no limit"})
    warmup_ratio: float = field(default=0.03, metadata={"low": 0, "high": 1})
    weight_decay: float = field(default=0.0, metadata={"low": 0, "high": 10})
    max_length: int = field(default=1024, metadata={"low": 8, "high": 1 << 20, "help": "tokens of the source"})
    max_target_length: int = field(default=512, metadata={"low": 8, "high": 1 << 20, "help": "tokens of a target"})
    gradient_checkpointing: bool = False
    torch_compile: bool = field(default=False, metadata={"help": "compile the model; needs a C++ compiler on a CPU"})
    optim: Literal["adamw_torch", "adamw_torch_fused"] = field(
        default="adamw_torch", metadata={"help": "the optimizer; fused is quicker, and off unless asked for"}
    )
    auto_find_batch_size: bool = field(
        default=False, metadata={"help": "out of memory: halve the batch, double the accumulation, begin again"}
    )
    save_steps: int = field(
        default=0, metadata={"low": 0, "high": 10**9, "help": "steps between checkpoints; 0: five over the training"}
    )
    save_total_limit: int = field(default=2, metadata={"low": 1, "high": 1000, "help": "checkpoints that are kept"})
    eval_steps: int = field(
        default=0, metadata={"low": 0, "high": 10**9, "help": "steps between looks at the validation set; 0: by itself"}
    )
    early_stopping: Literal["none", "loss", "accuracy"] = field(
        default="none",
        metadata={"help": "stop when the validation loss, or the accuracy of a sample's answers, is no better"},
    )
    early_stopping_patience: int = field(
        default=3, metadata={"low": 1, "high": 1000, "help": "looks without a better one before it stops"}
    )
    early_stopping_sample: int = field(
        default=64, metadata={"low": 1, "high": 100_000, "help": "validation questions that accuracy is taken from"}
    )
    precision: Literal["auto", "fp32", "bf16"] = field(
        default="auto", metadata={"help": "auto: bf16 on a GPU that has it, else fp32; fp16 is never used"}
    )
    r: int = field(default=16, metadata={"low": 1, "high": 4096, "help": "LoRA rank"})
    lora_alpha: int = field(default=64, metadata={"low": 1, "high": 65536, "help": "recipe: 4 x r"})
    lora_dropout: float = field(default=0.1, metadata={"low": 0, "high": 1})
    target_modules: str = field(
        default="attention", metadata={"help": "attention (q and v projections), all-linear, or names with commas"}
    )
    probe: bool = field(
        default=True, metadata={"help": "before the first step, try the longest batch and hold it against the plan"}
    )
    threads: int = field(default=0, metadata={"low": 0, "high": 4096, "help": "CPU threads; 0: torch's own choice"})
    report_to: str = field(
        default="auto",
        metadata={
            "help": "auto: TensorBoard where installed; none; or names of transformers' report_to, with commas",
            "trust": "services",
        },
    )

    def on(self, device: Device) -> Recipe:
        """The recipe with ``precision`` settled for `device`: bf16 on a GPU that has it, else fp32.

        A CPU trains in bf16 only when asked: in fp32 the same seed gives the same weights on every one.
        """
        if self.precision != "auto":
            return self
        return replace(self, precision="bf16" if device.bf16 and device.kind == "cuda" else "fp32")
