"""How and where to train: the ``[train]`` section and the device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = ["Device", "Recipe", "services_in"]

LOCAL = ("", "auto", "none", "tensorboard")  # what stays in the run


@dataclass(frozen=True, kw_only=True)
class Device:
    """The device that trains, or that `dstill experiment plan --vram` plans for."""

    name: str  # "NVIDIA H100", "CPU"
    kind: Literal["cpu", "cuda"]
    total: int  # bytes of memory
    free: int  # bytes free now; of a planned device: `total`
    bf16: bool = False  # it computes in bfloat16
    is_local: bool = True  # False: planned for, not in this machine


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How `dstill train` trains. Keys of transformers and peft have the same names here."""

    student: str = field(
        default="",
        metadata={
            "help": "The student: a kind, `kind:base` such as `hf:google/flan-t5-small`, FILE.gguf, or `base:NAME`, "
            "which starts from weights of the task pack. Empty: the task's base, or one made from nothing.",
            "trust": "student",
        },
    )
    objective: str = field(
        default="dss",
        metadata={"help": "What the student is trained to write: rationale and answer, or the answer alone."},
    )
    modality: str = field(
        default="auto",
        metadata={"help": "How weights are trained: a modality, or auto, which chooses by available memory."},
    )
    auto_modality: Literal["fullest", "recipe"] = field(
        default="fullest",
        metadata={
            "help": "How auto chooses the modality: the fullest that fits, or the recipe's rule for small GPUs.",
        },
    )
    label_weight: float = field(
        default=0.5,
        metadata={
            "low": 0,
            "high": 1,
            "help": "Weight of the answer's loss in the objective dss. The rationale's loss weighs 1 - label_weight.",
        },
    )
    prompt: Literal["auto", "chat", "plain"] = field(
        default="auto",
        metadata={
            "help": "What a pretrained decoder reads. chat: a conversation in the base's chat template. plain: task "
            "prefix, question and a line break. auto: chat if the base has a template."
        },
    )
    task_prefix: Literal["encoder", "decoder"] = field(
        default="encoder",
        metadata={
            "help": "Where the task prefix goes. encoder: before the question, as published. decoder: at the start of "
            "the answer, so that the question is encoded once for all branches."
        },
    )
    learning_rate: float = field(
        default=5e-5,
        metadata={
            "low": 1e-9,
            "high": 10,
            "help": "Peak learning rate of the optimizer. A pretrained base has its own default, as for the other keys "
            "of its preset.",
        },
    )
    per_device_train_batch_size: int = field(
        default=2, metadata={"low": 1, "high": 65536, "help": "Sequences in one batch on each device."}
    )
    gradient_accumulation_steps: int = field(
        default=1,
        metadata={"low": 1, "high": 65536, "help": "Batches whose gradients are added up before each optimizer step."},
    )
    num_train_epochs: float = field(
        default=3.0,
        metadata={
            "low": 0,
            "high": 100000,
            "help": "Passes over the training data. 0: none, the student stays as it was. Ignored if `max_steps` is "
            "positive.",
        },
    )
    max_steps: int = field(
        default=-1,
        metadata={"low": -1, "high": 10**9, "help": "Number of optimizer steps. Below 1: `num_train_epochs` decides."},
    )
    max_seconds: float = field(
        default=0.0, metadata={"low": 0, "help": "Stop training after this many seconds. 0: no limit."}
    )
    warmup_ratio: float = field(
        default=0.03,
        metadata={
            "low": 0,
            "high": 1,
            "help": "Share of the steps in which the learning rate rises from 0 to its peak.",
        },
    )
    weight_decay: float = field(default=0.0, metadata={"low": 0, "high": 10, "help": "Weight decay of the optimizer."})
    max_length: int = field(default=1024, metadata={"low": 8, "high": 1 << 20, "help": "Longest input, in tokens."})
    max_target_length: int = field(
        default=512, metadata={"low": 8, "high": 1 << 20, "help": "Longest target, in tokens."}
    )
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "Recompute activations in the backward pass: less memory, more time."}
    )
    torch_compile: bool = field(
        default=False, metadata={"help": "Compile the model with torch.compile. On a CPU this needs a C++ compiler."}
    )
    optim: Literal["adamw_torch", "adamw_torch_fused", "muon"] = field(
        default="adamw_torch",
        metadata={
            "help": "The optimizer. The fused variant is faster. muon: Muon for matrices, AdamW for the rest; short "
            "trainings often need fewer steps."
        },
    )
    auto_find_batch_size: bool = field(
        default=False,
        metadata={"help": "When memory runs out, halve the batch, double the accumulation and start again."},
    )
    save_steps: int = field(
        default=0,
        metadata={
            "low": 0,
            "high": 10**9,
            "help": "Steps between checkpoints. 0: five checkpoints over the whole training.",
        },
    )
    save_total_limit: int = field(
        default=2, metadata={"low": 1, "high": 1000, "help": "How many checkpoints are kept."}
    )
    eval_steps: int = field(
        default=0,
        metadata={
            "low": 0,
            "high": 10**9,
            "help": "Steps between evaluations on the validation split. 0: chosen by dstill.",
        },
    )
    early_stopping: Literal["none", "loss", "accuracy"] = field(
        default="none",
        metadata={"help": "Stop when the validation loss, or the accuracy on a validation sample, no longer improves."},
    )
    early_stopping_patience: int = field(
        default=3, metadata={"low": 1, "high": 1000, "help": "Evaluations without improvement before training stops."}
    )
    early_stopping_sample: int = field(
        default=64,
        metadata={"low": 1, "high": 100_000, "help": "Validation questions that the accuracy is measured on."},
    )
    precision: Literal["auto", "fp32", "bf16"] = field(
        default="auto",
        metadata={
            "help": "Number format. auto: bf16 on a GPU that supports it, for student linked also on such a CPU; "
            "otherwise fp32. fp16 is never used."
        },
    )
    r: int = field(default=16, metadata={"low": 1, "high": 4096, "help": "Rank of the LoRA matrices."})
    lora_alpha: int = field(
        default=64, metadata={"low": 1, "high": 65536, "help": "Scaling of the LoRA matrices. The recipe uses 4 x r."}
    )
    lora_dropout: float = field(
        default=0.1, metadata={"low": 0, "high": 1, "help": "Dropout on the input of the LoRA matrices."}
    )
    target_modules: str = field(
        default="attention",
        metadata={
            "help": "Layers that LoRA adapts: attention (q and v projections), all-linear, or names with commas."
        },
    )
    test_largest_batch: bool = field(
        default=True,
        metadata={
            "help": "Before the first step, run the longest batch and compare its memory with the plan.",
        },
    )
    threads: int = field(default=0, metadata={"low": 0, "high": 4096, "help": "CPU threads. 0: torch decides."})
    report_to: str = field(
        default="auto",
        metadata={
            "help": "Where training curves go. auto: TensorBoard if installed; none; or transformers' names. mlflow "
            "and wandb also get scores, report and student.",
            "trust": "services",
        },
    )
    report_student_mb: int = field(
        default=1024,
        metadata={"low": 0, "high": 10**6, "help": "Largest student that is sent there, in MB. 0: none is."},
    )

    def on(self, device: Device) -> Recipe:
        """The recipe with ``precision = "auto"`` replaced for `device`: bf16 on a GPU that supports it, else fp32.

        A CPU trains in bf16 only on request or for a student that is faster so: in fp32 the same seed gives the same
        weights on every CPU.
        """
        if self.precision != "auto":
            return self
        return replace(self, precision="bf16" if device.bf16 and device.kind == "cuda" else "fp32")


def services_in(report_to: str) -> list[str]:
    """The names in ``train.report_to`` of services outside of the run: "mlflow,tensorboard" → ["mlflow"]."""
    return [name for word in report_to.split(",") if (name := word.strip()) not in LOCAL]
