"""How and where to train: the ``[train]`` section and the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dstill.api.setting import setting

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

    student: str = setting(
        "",
        "The student: a kind, `kind:base` such as `hf:google/flan-t5-small`, FILE.gguf, or `base:NAME`, "
        "which starts from weights of the task pack. Empty: the task's base, or one made from nothing.",
        trust="student",
    )
    objective: str = setting("dss", "What the student is trained to write: rationale and answer, or the answer alone.")
    modality: str = setting("auto", "How weights are trained: a modality, or auto, which chooses by available memory.")
    auto_modality: Literal["fullest", "recipe"] = setting(
        "fullest", "How auto chooses the modality: the fullest that fits, or the recipe's rule for small GPUs."
    )
    label_weight: float = setting(
        0.5,
        "Weight of the answer's loss in the objective dss. The rationale's loss weighs 1 - label_weight.",
        low=0,
        high=1,
    )
    prompt: Literal["auto", "chat", "plain"] = setting(
        "auto",
        "What a pretrained decoder reads. chat: a conversation in the base's chat template. plain: task "
        "prefix, question and a line break. auto: chat if the base has a template.",
    )
    task_prefix: Literal["encoder", "decoder"] = setting(
        "encoder",
        "Where the task prefix goes. encoder: before the question, as published. decoder: at the start of "
        "the answer, so that the question is encoded once for all branches.",
    )
    learning_rate: float = setting(
        5e-5,
        "Peak learning rate of the optimizer. A pretrained base has its own default, as for the other keys "
        "of its preset.",
        low=1e-9,
        high=10,
    )
    per_device_train_batch_size: int = setting(2, "Sequences in one batch on each device.", low=1, high=65536)
    gradient_accumulation_steps: int = setting(
        1, "Batches whose gradients are added up before each optimizer step.", low=1, high=65536
    )
    num_train_epochs: float = setting(
        3.0,
        "Passes over the training data. 0: none, the student stays as it was. Ignored if `max_steps` is positive.",
        low=0,
        high=100000,
    )
    max_steps: int = setting(-1, "Number of optimizer steps. Below 1: `num_train_epochs` decides.", low=-1, high=10**9)
    max_seconds: float = setting(0.0, "Stop training after this many seconds. 0: no limit.", low=0)
    warmup_ratio: float = setting(
        0.03, "Share of the steps in which the learning rate rises from 0 to its peak.", low=0, high=1
    )
    weight_decay: float = setting(0.0, "Weight decay of the optimizer.", low=0, high=10)
    max_length: int = setting(1024, "Longest input, in tokens.", low=8, high=1 << 20)
    max_target_length: int = setting(512, "Longest target, in tokens.", low=8, high=1 << 20)
    gradient_checkpointing: bool = setting(False, "Recompute activations in the backward pass: less memory, more time.")
    torch_compile: bool = setting(False, "Compile the model with torch.compile. On a CPU this needs a C++ compiler.")
    optim: Literal["adamw_torch", "adamw_torch_fused", "muon"] = setting(
        "adamw_torch",
        "The optimizer. The fused variant is faster. muon: Muon for matrices, AdamW for the rest; short "
        "trainings often need fewer steps.",
    )
    auto_find_batch_size: bool = setting(
        False, "When memory runs out, halve the batch, double the accumulation and start again."
    )
    save_steps: int = setting(
        0, "Steps between checkpoints. 0: five checkpoints over the whole training.", low=0, high=10**9
    )
    save_total_limit: int = setting(2, "How many checkpoints are kept.", low=1, high=1000)
    eval_steps: int = setting(
        0, "Steps between evaluations on the validation split. 0: chosen by dstill.", low=0, high=10**9
    )
    early_stopping: Literal["none", "loss", "accuracy"] = setting(
        "none", "Stop when the validation loss, or the accuracy on a validation sample, no longer improves."
    )
    early_stopping_patience: int = setting(
        3, "Evaluations without improvement before training stops.", low=1, high=1000
    )
    early_stopping_sample: int = setting(
        64, "Validation questions that the accuracy is measured on.", low=1, high=100_000
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "Number format. auto: bf16 on a GPU that supports it, for student linked also on such a CPU; "
        "otherwise fp32. fp16 is never used.",
    )
    r: int = setting(16, "Rank of the LoRA matrices.", low=1, high=4096)
    lora_alpha: int = setting(64, "Scaling of the LoRA matrices. The recipe uses 4 x r.", low=1, high=65536)
    lora_dropout: float = setting(0.1, "Dropout on the input of the LoRA matrices.", low=0, high=1)
    target_modules: str = setting(
        "attention", "Layers that LoRA adapts: attention (q and v projections), all-linear, or names with commas."
    )
    test_largest_batch: bool = setting(
        True, "Before the first step, run the longest batch and compare its memory with the plan."
    )
    threads: int = setting(0, "CPU threads. 0: torch decides.", low=0, high=4096)
    report_to: str = setting(
        "auto",
        "Where training curves go. auto: TensorBoard if installed; none; or transformers' names. mlflow "
        "and wandb also get scores, report and student.",
        trust="services",
    )
    report_student_mb: int = setting(1024, "Largest student that is sent there, in MB. 0: none is.", low=0, high=10**6)

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
