"""The model card of a student: a README.md with what it is, how it was trained, and code that uses it.

The code needs only transformers (and peft for an adapter), and gives the same answers as `dstill predict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dstill.api.records import Pair
from dstill.api.student import TrainingJob, TrainResult
from dstill.io.cards import STUDENT, card, table
from dstill_finetune.chat import Chat
from dstill_finetune.gguf_files import is_gguf

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["Prompt", "asked", "model_card", "prompt_lines", "usage"]

Prompt = str | list[dict[str, str]]  # a text, or a conversation


def model_card(facts: Facts, job: TrainingJob, fitted: TrainResult, *, n_too_long: int, cut: bool) -> str:
    """The Markdown of README.md.

    Args:
        facts: Of the trained student.
        job: The training.
        fitted: Its result.
        n_too_long: Training records over the length limits.
        cut: Whether the tokenizer adds an end token to a decoder's prompt, which the code has to remove.
    """
    recipe = job.recipe
    library = "peft" if facts.adapter else "transformers"
    rows = {
        "student": facts.student + (f" on {facts.base}" if facts.base not in ("", "base") else ""),
        "modality": facts.modality,
        "trained parameters": f"{fitted.trained_parameters:,} of {fitted.all_parameters:,}",
        "steps": f"{fitted.steps:,} in {fitted.seconds:,.0f} s on {job.device.name}",
        "records": f"{len(job.train) - n_too_long:,} ({n_too_long} more were too long)",
        "learning rate, batch": f"{recipe.learning_rate:g}, {recipe.per_device_train_batch_size}"
        f" × {recipe.gradient_accumulation_steps}",
        "prompt": "the base's chat template" if facts.prompt == "chat" else "plain",
        "task word": "before the question" if facts.task_prefix == "encoder" else "where the answer begins",
        "seed": str(facts.seed),
        **{str(key): str(value) for key, value in job.card.items()},
    }
    first = next((p for record in job.train for p in record), Pair(task_prefix="predict: ", source="…", target=""))
    prompt, task = asked(facts, first.task_prefix, first.source)
    code = ["", "## Use", "", "```python", f"{usage(facts, prompt, task, cut=cut)}```"]
    front = [f"library_name: {library}", STUDENT]
    return card(front, "A dstill student", [*table(("", ""), rows.items()), *code])


def asked(facts: Facts, word: str, source: str) -> tuple[Prompt, list[int]]:
    """The text of `source` in the branch of the task `word`, and the ids that the answer begins with."""
    if facts.prompt == "chat":
        return Chat(None, facts.system_messages).messages(word, source), []
    task = facts.tasks.get(word, [])
    return source if task else word + source, task


def prompt_lines(facts: Facts, prompt: Prompt, *, cut: bool, tensors: bool) -> list[str]:
    """Lines that set `prompt`, and its token ids as `ids`.

    Args:
        facts: Of the trained student.
        prompt: As `asked` gives it.
        cut: As for `model_card`.
        tensors: Whether `ids` are a tensor ``[1, tokens]`` instead of a list.
    """
    of = ', return_tensors="pt"' if tensors else ""
    if not isinstance(prompt, str):
        call = f"tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True{of})"
        return [f"prompt = {prompt!r}", f'ids = {call}["input_ids"]']
    text = prompt if facts.encoder_decoder else f"{prompt}\n"
    first = ("[:, :-1]" if tensors else "[:-1]") if cut else ""
    return [f"prompt = {text!r}", f'ids = tokenizer(prompt{of})["input_ids"]{first}']


def usage(facts: Facts, prompt: Prompt, task: Sequence[int] = (), *, cut: bool = False) -> str:
    """Python code that answers `prompt`, with FOLDER for the student's folder.

    Args:
        facts: Of the trained student.
        prompt: As `asked` gives it.
        task: The ids of the task word that the answer begins with.
        cut: As for `model_card`.
    """
    kind = "AutoModelForSeq2SeqLM" if facts.encoder_decoder else "AutoModelForCausalLM"
    lines = _loading(facts, kind)
    answer = "" if facts.encoder_decoder else "[ids.shape[1]:]"
    lines += prompt_lines(facts, prompt, cut=cut, tensors=True)
    decoder_ids = ""
    if task and facts.encoder_decoder:  # the answer begins with the task word
        lines += [f"decoder_ids = ids.new_tensor([[model.generation_config.decoder_start_token_id, *{list(task)}]])"]
        decoder_ids, answer = " decoder_input_ids=decoder_ids,", f"[{1 + len(task)}:]"
    elif task:
        lines += [f"ids = torch.cat([ids, torch.tensor([{list(task)}])], 1)  # the task word"]
        lines = lines if "import torch" in lines else ["import torch", *lines]
    lines += [
        f"output = model.generate(input_ids=ids,{decoder_ids} attention_mask=ids.new_ones(ids.shape),",
        f"                        do_sample=False, max_new_tokens={facts.max_target_length},",
        "                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)",
        f"print(tokenizer.decode(output[0]{answer}, skip_special_tokens=True))",
        "",
    ]
    return "\n".join(lines)


def _loading(facts: Facts, kind: str) -> list[str]:
    """Lines that load `tokenizer` and `model`."""
    if not facts.adapter:
        return [
            f"from transformers import {kind}, AutoTokenizer",
            *_tokenizer(),
            f"model = {kind}.from_pretrained(FOLDER)",
        ]
    dtype = "torch.bfloat16" if facts.precision == "bf16" else "torch.float32"
    quantized = ", BitsAndBytesConfig" if facts.four_bit else ""
    lines = [
        "import torch",
        "from peft import PeftModel",
        f"from transformers import {kind}, AutoTokenizer{quantized}, GenerationConfig",
        *_tokenizer(),
    ]
    options = f"dtype={dtype}"
    if facts.four_bit:
        lines += [
            'four_bit = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",',
            f"                              bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype={dtype})",
        ]
        options += ", quantization_config=four_bit"
    if is_gguf(facts.base):
        lines += _unpacked(Path(facts.base), kind, dtype, options)
    else:
        base = 'FOLDER + "/base"' if facts.base == "base" else repr(facts.base)
        lines += [f"model = {kind}.from_pretrained({base}, {options})"]
    lines += [
        "model.generation_config = GenerationConfig.from_pretrained(FOLDER)  # the base's may penalize repetition"
    ]
    if facts.new_tokens:
        lines += [
            "embedding, config = model.get_input_embeddings(), model.config",
            "tied, config.tie_word_embeddings = config.tie_word_embeddings, (",
            "    model.get_output_embeddings().weight is embedding.weight)  # config may be wrong",
            "rows = max(len(tokenizer), embedding.num_embeddings)",
            "model.resize_token_embeddings(rows, mean_resizing=False)  # the adapter has the new ones",
            "config.tie_word_embeddings = tied",
        ]
    return [*lines, "model = PeftModel.from_pretrained(model, FOLDER)"]


def _tokenizer() -> list[str]:
    return ["", 'FOLDER = "."', "tokenizer = AutoTokenizer.from_pretrained(FOLDER)"]


def _unpacked(file: Path, kind: str, dtype: str, options: str) -> list[str]:
    """Lines that load a GGUF file: its weights are unpacked first, because no adapter goes on the packed form."""
    return [
        f"model = {kind}.from_pretrained({str(file.parent)!r}, gguf_file={file.name!r},",
        f"{' ' * (len(kind) + 25)}dtype={dtype})",
        "config, weights = model.config, model.state_dict()",
        "del config.quantization_config",
        "model = type(model).from_pretrained(None, config=config, state_dict=weights,",
        f"                                    {options})",
    ]
