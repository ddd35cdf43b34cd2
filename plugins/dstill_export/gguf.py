"""The form `gguf`: one file for llama.cpp and what is built on it, weights in Q8_0 (8 bits and a scale for 32 of them).

    model.gguf  student.json

For students that were trained from a GGUF file: the settings and the vocabulary of that file are taken over, with the
tokens that the student got anew, and its tensors are replaced by the student's, by the `gguf` package's own table of
names. What llama.cpp stores otherwise than transformers is in `_STORED`. No kept library on the package index turns
other models into GGUF: llama.cpp's own convert_hf_to_gguf.py reads what ``--to merged`` writes.

The gate reads the file with transformers' GGUF reader, its tokenizer too: llama.cpp itself is on the index as source
alone. As with CTranslate2, 90 % of the sample have to be answered alike.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from dstill.api.student import Generator
from dstill.errors import MissingExtra, UsageError
from dstill_export.formats import AGAIN, Format, Source, encoder_of

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts

__all__ = ["Gguf", "stored"]

FILE = "model.gguf"
TOKENS, SCORES, KINDS = ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type")
PACKED = 32  # weights of a block of Q8_0


class Gguf(Format):
    name = "gguf"
    rate = 0.9
    on_cpu = True
    library = "gguf"

    def require(self, source: Source) -> None:
        from dstill_finetune.gguf_files import is_gguf
        from dstill_finetune.gguf_head import settings_of

        if not is_gguf(source.facts.base):
            raise UsageError(
                "only a student that was trained from a GGUF file is exported as one",
                where=f"--to gguf; the student's base is {source.facts.base or 'none: it was trained from nothing'}",
                hint="--to merged, and llama.cpp's convert_hf_to_gguf.py on that folder",
            )
        if find_spec("gguf") is None:
            raise MissingExtra("exporting to gguf", "gguf", "gguf")
        if not Path(source.facts.base).exists():
            raise UsageError(
                "the GGUF file that the student was trained from is not where it was: its vocabulary is taken from it",
                where=source.facts.base,
                hint="put it back",
            )
        architecture = settings_of(Path(source.facts.base)).get("general.architecture", "")
        if architecture not in _STORED:
            raise UsageError(
                f"students of architecture '{architecture}' are not exported as gguf",
                where=source.facts.base,
                hint=f"those of {', '.join(_STORED)} are; --to merged exports every student",
            )

    def need(self, source: Source) -> int:
        from dstill_finetune import model_loading
        from dstill_finetune.model_spec import shape_of

        shape = shape_of(model_loading.config_of(source.facts.base))
        return 2 * shape.parameters + 4 * shape.embedding  # most of it takes 34 bytes for 32

    def write(self, source: Source, folder: Path) -> None:
        from gguf import GGUFReader, GGUFWriter

        from dstill_finetune.saving import saving

        model, tokenizer, facts = source.student.merged(source.folder)
        before = GGUFReader(source.facts.base)
        architecture = _text(before, "general.architecture")
        rows = model.get_input_embeddings().weight.shape[0]
        with saving(folder, hint=AGAIN):
            writer = GGUFWriter(str(folder / FILE), architecture)
            for name, value, kinds in _settings(before, tokenizer, rows):
                writer.add_key_value(name, value, *kinds)
            named = {tensor.name for tensor in before.tensors}
            for name, values in stored(model, architecture):
                if name not in named:
                    raise UsageError(f"there is no '{name}' in the student's base", where=source.facts.base)
                _add(writer, name, values)
            for tensor in before.tensors:
                if tensor.name == "rope_freqs.weight":  # of the architecture, and in no state of transformers'
                    writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            facts.write(folder)

    def load(self, folder: Path) -> Generator:
        import torch
        import transformers

        from dstill_export.hf_folder import PlainWriter
        from dstill_finetune import gguf_files, model_loading
        from dstill_finetune.student_metadata import Facts

        model_loading.quiet()
        facts, file = Facts.read(folder), folder / FILE
        model = gguf_files.load_model(file, transformers.AutoModelForCausalLM, {"dtype": torch.float32})
        tokenizer = gguf_files.load_tokenizer(file)
        settings = model.generation_config
        settings.do_sample, settings.max_length, settings.max_new_tokens = False, None, facts.max_target_length
        settings.eos_token_id, settings.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id  # the file's
        return PlainWriter(model, encoder_of(folder, tokenizer, model), threads=facts.threads)

    def usage(self, facts: Facts, prompt: str, task: Sequence[int], *, cut: bool) -> str:
        begun = f" + {list(task)}" if task else ""
        return "\n".join(
            [
                "import torch",
                "from transformers import AutoModelForCausalLM, AutoTokenizer",
                "",
                'FOLDER = "."',
                f'tokenizer = AutoTokenizer.from_pretrained(FOLDER, gguf_file="{FILE}")',
                f'model = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file="{FILE}", dtype=torch.float32)',
                f"prompt = {prompt + chr(10)!r}",
                f'ids = torch.tensor([tokenizer(prompt)["input_ids"]{"[:-1]" if cut else ""}{begun}])',
                "output = model.generate(input_ids=ids, attention_mask=ids.new_ones(ids.shape), do_sample=False,",
                f"                        max_new_tokens={facts.max_target_length},",
                "                        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)",
                "print(tokenizer.decode(output[0][ids.shape[1]:], skip_special_tokens=True))",
                "",
            ]
        )


# --- settings and vocabulary ------------------------------------------------------------


def _settings(before: Any, tokenizer: Any, rows: int) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Name, value and types of each field of the base's file, the vocabulary grown to `rows` tokens."""
    from gguf import GGUFValueType, TokenType

    for field in before.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue  # the writer writes them itself, or they say what the base's weights were packed in
        value, kind = field.contents(), field.types[0]
        grown = range(len(value), rows) if field.name in (TOKENS, SCORES, KINDS) else ()
        if field.name == TOKENS:
            value = [*value, *(tokenizer.convert_ids_to_tokens(at) or f"[PAD{at}]" for at in grown)]
        elif field.name == SCORES:
            value = [*value, *(0.0 for _ in grown)]
        elif field.name == KINDS:
            known = len(tokenizer)
            value = [*value, *(int(TokenType.USER_DEFINED if at < known else TokenType.UNUSED) for at in grown)]
        elif field.name.endswith(".vocab_size"):
            value = rows
        yield field.name, value, (kind, field.types[-1]) if kind == GGUFValueType.ARRAY else (kind,)


def _text(before: Any, name: str) -> str:
    field = before.get_field(name)
    return str(field.contents()) if field is not None else ""


# --- weights ----------------------------------------------------------------------------


def stored(model: Any, architecture: str) -> Iterator[tuple[str, Any]]:
    """The name in GGUF and the values of each weight, as llama.cpp stores them. Raises UsageError for one unknown."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (arch,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(arch, model.config.num_hidden_layers)
    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    for key, tensor in model.state_dict(keep_vars=True).items():
        if tensor is head and tensor is embedding and key.startswith("lm_head"):
            continue  # one weight under two names
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UsageError(f"GGUF has no name for {key}", where=f"--to gguf; architecture {architecture}")
        yield name, _STORED[architecture](name, tensor.detach().float().cpu(), model.config).numpy()


def _add(writer: Any, name: str, values: Any) -> None:
    """Matrices in blocks of 8 bits, the rest as it is."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if values.ndim == 2 and values.shape[1] % PACKED == 0:
        packed = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(values, packed), raw_dtype=packed)
    else:
        writer.add_tensor(name, values)


def _as_it_is(name: str, tensor: Any, config: Any) -> Any:
    return tensor


def _llama(name: str, tensor: Any, config: Any) -> Any:
    """The two halves of each head's rotary pairs lie in turns, not one after the other."""
    of = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    heads = next((count for part, count in of.items() if f".{part}." in name), 0)
    if not heads:
        return tensor
    pairs = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return pairs.swapaxes(1, 2).reshape(tensor.shape)


def _gemma(name: str, tensor: Any, config: Any) -> Any:
    """Norms are stored as what is multiplied by; transformers has them less one."""
    return tensor + 1 if name.endswith("norm.weight") else tensor


_STORED: Mapping[str, Callable[[str, Any, Any], Any]] = {
    "llama": _llama,
    "qwen2": _as_it_is,
    "qwen3": _as_it_is,
    "gemma2": _gemma,
    "gemma3": _gemma,
}
