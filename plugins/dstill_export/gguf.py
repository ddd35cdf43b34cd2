"""The format `gguf`: one file for llama.cpp and tools that use it, in Q8_0 (8 bits, one scale per 32 weights).

    model.gguf  Modelfile (for Ollama)  student.json

Only for students that were trained from a GGUF file: its settings and vocabulary are copied, the vocabulary is extended
by the student's new tokens, and the tensors are replaced, by the names in the `gguf` package's table. The end token and
the chat template are the student's. `_CONVERSIONS` lists what llama.cpp stores differently from transformers. For other
students, use llama.cpp's convert_hf_to_gguf.py on the output of ``--to merged``.

The parity check loads model and tokenizer with transformers' GGUF reader, since llama.cpp has no binary wheels. As for
CTranslate2, 90 % of the sample must be answered alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.student import Generator
from dstill.errors import MissingExtra, UsageError
from dstill_export.formats import RETRY_HINT, Format, Source, encoder_of
from dstill_export.modelfile import modelfile

if TYPE_CHECKING:
    from dstill_finetune.card import Prompt
    from dstill_finetune.student_metadata import Facts

__all__ = ["Gguf", "gguf_tensors"]

FILE = "model.gguf"
TOKENS, SCORES, KINDS = ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type")
EOS, TEMPLATE = "tokenizer.ggml.eos_token_id", "tokenizer.chat_template"
START, SPACE = "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_space_prefix"
BLOCK = 32  # weights per block of Q8_0


class Gguf(Format):
    """A student written as a copy of its base's GGUF file with new weights."""

    name = "gguf"
    min_parity = 0.9
    on_cpu = True
    library = "gguf"

    def check(self, source: Source) -> None:
        from dstill_finetune.gguf_files import is_gguf
        from dstill_finetune.gguf_head import settings_of

        if not is_gguf(source.facts.base):
            raise UsageError(
                "only students that were trained from a GGUF file can be exported to GGUF",
                where=f"--to gguf; the student's base is {source.facts.base or 'none, it was trained from scratch'}",
                hint="use --to merged, then llama.cpp's convert_hf_to_gguf.py on that folder",
            )
        if find_spec("gguf") is None:
            raise MissingExtra("exporting to gguf", "gguf", "gguf")
        if not Path(source.facts.base).exists():
            raise UsageError(
                "the GGUF file that the student was trained from is missing, but the export needs its vocabulary",
                where=source.facts.base,
                hint="restore it",
            )
        architecture = settings_of(Path(source.facts.base)).get("general.architecture", "")
        if architecture not in _CONVERSIONS:
            raise UsageError(
                f"students of architecture '{architecture}' cannot be exported to GGUF",
                where=source.facts.base,
                hint=f"supported: {', '.join(_CONVERSIONS)}; --to merged works for every student",
            )

    def disk_space(self, source: Source) -> int:
        from dstill_finetune import model_loading
        from dstill_finetune.model_spec import shape_of

        shape = shape_of(model_loading.config_of(source.facts.base))
        return 2 * shape.parameters + 4 * shape.embedding  # Q8_0 takes 34 bytes for 32 weights

    def write(self, source: Source, folder: Path) -> None:
        from gguf import GGUFReader, GGUFWriter

        from dstill_finetune.saving import saving

        model, tokenizer, facts = source.student.merged(source.folder)
        base = GGUFReader(source.facts.base)
        architecture = _text(base, "general.architecture")
        rows = model.get_input_embeddings().weight.shape[0]
        with saving(folder, hint=RETRY_HINT):
            writer = GGUFWriter(str(folder / FILE), architecture)
            for name, value, kinds in _settings(base, tokenizer, rows):
                writer.add_key_value(name, value, *kinds)
            names = {tensor.name for tensor in base.tensors}
            for name, values in gguf_tensors(model, architecture):
                if name not in names:
                    raise UsageError(f"the student's base has no tensor '{name}'", where=source.facts.base)
                _add(writer, name, values)
            for tensor in base.tensors:
                if tensor.name == "rope_freqs.weight":  # part of the architecture, but not of transformers' state dict
                    writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            facts.write(folder)
            if facts.system_messages:
                (folder / "Modelfile").write_text(modelfile(FILE, tokenizer, facts), encoding="utf-8")

    def load(self, folder: Path) -> Generator:
        import torch
        import transformers

        from dstill_export.hf_folder import PlainGenerator
        from dstill_finetune import gguf_files, model_loading
        from dstill_finetune.student_metadata import Facts

        model_loading.quiet()
        facts, file = Facts.read(folder), folder / FILE
        model = gguf_files.load_model(file, transformers.AutoModelForCausalLM, {"dtype": torch.float32})
        tokenizer = gguf_files.load_tokenizer(file)
        settings = model.generation_config
        settings.do_sample, settings.max_length, settings.max_new_tokens = False, None, facts.max_target_length
        settings.eos_token_id, settings.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
        return PlainGenerator(model, encoder_of(folder, tokenizer, model), threads=facts.threads)

    def usage(self, facts: Facts, prompt: Prompt, task: Sequence[int], *, cut: bool) -> str:
        from dstill_finetune.card import prompt_lines

        prefix = f" + {list(task)}" if task else ""
        return "\n".join(
            [
                "import torch",
                "from transformers import AutoModelForCausalLM, AutoTokenizer",
                "",
                'FOLDER = "."',
                f'tokenizer = AutoTokenizer.from_pretrained(FOLDER, gguf_file="{FILE}")',
                f'model = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file="{FILE}", dtype=torch.float32)',
                *prompt_lines(facts, prompt, cut=cut, tensors=False),
                f"ids = torch.tensor([ids{prefix}])",
                "output = model.generate(input_ids=ids, attention_mask=ids.new_ones(ids.shape), do_sample=False,",
                f"                        max_new_tokens={facts.max_target_length},",
                "                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)",
                "print(tokenizer.decode(output[0][ids.shape[1]:], skip_special_tokens=True))",
                "",
            ]
        )


# --- settings and vocabulary ------------------------------------------------------------


def _settings(base: Any, tokenizer: Any, rows: int) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield name, value and types of each field of the base's file, with the vocabulary extended to `rows` tokens.

    The end token and the chat template are those of `tokenizer`, and llama.cpp adds a start token if the template does.
    """
    from gguf import GGUFValueType, TokenType

    own: dict[str, tuple[Any, GGUFValueType]] = {EOS: (tokenizer.eos_token_id, GGUFValueType.UINT32)}
    if tokenizer.chat_template:
        own[TEMPLATE] = (tokenizer.chat_template, GGUFValueType.STRING)
        own[START] = (_begins_with_start(tokenizer), GGUFValueType.BOOL)
        own[SPACE] = (False, GGUFValueType.BOOL)  # llama.cpp would add one after every special token
    for name, (value, kind) in own.items():
        yield name, value, (kind,)
    for field in base.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue  # written by GGUFWriter, or about the quantization of the base
        if field.name in own or field.name.startswith(TEMPLATE):
            continue
        value, kind = field.contents(), field.types[0]
        added = range(len(value), rows) if field.name in (TOKENS, SCORES, KINDS) else ()
        if field.name == TOKENS:
            value = [*value, *(tokenizer.convert_ids_to_tokens(at) or f"[PAD{at}]" for at in added)]
        elif field.name == SCORES:
            value = [*value, *(0.0 for _ in added)]
        elif field.name == KINDS:
            known = len(tokenizer)
            value = [*value, *(int(TokenType.USER_DEFINED if at < known else TokenType.UNUSED) for at in added)]
        elif field.name.endswith(".vocab_size"):
            value = rows
        yield field.name, value, (kind, field.types[-1]) if kind == GGUFValueType.ARRAY else (kind,)


def _begins_with_start(tokenizer: Any) -> bool:
    from dstill_finetune.chat import Chat

    prompt = Chat(tokenizer, {}).render("", "a")
    return bool(tokenizer.bos_token) and prompt.startswith(tokenizer.bos_token)


def _text(base: Any, name: str) -> str:
    field = base.get_field(name)
    return str(field.contents()) if field is not None else ""


# --- weights ----------------------------------------------------------------------------


def gguf_tensors(model: Any, architecture: str) -> Iterator[tuple[str, Any]]:
    """Yield each weight's name in GGUF and its values as llama.cpp stores them.

    Raises UsageError for a weight that GGUF has no name for.
    """
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (arch,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(arch, model.config.num_hidden_layers)
    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    for key, tensor in model.state_dict(keep_vars=True).items():
        if tensor is head and tensor is embedding and key.startswith("lm_head"):
            continue  # tied to the embedding
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UsageError(f"GGUF has no name for {key}", where=f"--to gguf; architecture {architecture}")
        yield name, _CONVERSIONS[architecture](tensor.detach().float().cpu(), name, model.config).numpy()


def _add(writer: Any, name: str, values: Any) -> None:
    """Add a tensor: matrices as Q8_0, everything else unquantized."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if values.ndim == 2 and values.shape[1] % BLOCK == 0:
        packed = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(values, packed), raw_dtype=packed)
    else:
        writer.add_tensor(name, values)


def _unchanged(tensor: Any, *_: Any) -> Any:
    return tensor


def _llama(tensor: Any, name: str, config: Any) -> Any:
    """Interleave the rotary pairs of each head, which transformers stores as two halves."""
    head_counts = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    heads = next((count for part, count in head_counts.items() if f".{part}." in name), 0)
    if not heads:
        return tensor
    pairs = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return pairs.swapaxes(1, 2).reshape(tensor.shape)


def _gemma(tensor: Any, name: str, *_: Any) -> Any:
    """Add one to the weights of norms, which transformers stores as the difference from one."""
    return tensor + 1 if name.endswith("norm.weight") else tensor


# architecture → function of (tensor, name in GGUF, configuration of the model)
_CONVERSIONS: Mapping[str, Callable[[Any, str, Any], Any]] = {
    "llama": _llama,
    "qwen2": _unchanged,
    "qwen3": _unchanged,
    "gemma2": _gemma,
    "gemma3": _gemma,
}
