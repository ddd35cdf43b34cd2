"""New tokens with a base whose head is untied although its configuration says otherwise (FLAN-T5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dstill_export.exporting import export
from dstill_export.registry import format_of

pytestmark = pytest.mark.slow  # trains two more students


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 whose configuration calls head and embedding one, with two of them; its tokenizer knows no ``+``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("flan")
    words = ["<pad>", "</s>", "<unk>", "▁", "▁add", "▁and", "▁sing", "▁a", "▁song", "▁predict:", *"noe123456789"]
    tokenizer = Tokenizer(models.Unigram([(word, -1.0) for word in words], unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4, "num_layers": 1, "dropout_rate": 0.0}
    config = T5Config(vocab_size=len(words), decoder_start_token_id=0, tie_word_embeddings=False, **sizes)
    model = T5ForConditionalGeneration(config)
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("modality", ["full", "lora"])
def test_new_embedding_rows_and_an_untied_head_are_exported(
    modality: str, base: Path, make_run: Any, tmp_path: Path
) -> None:
    flags = {"train.student": f"hf:{base}", "train.modality": modality, "train.learning_rate": 1e-2}
    run = make_run(f"flan-{modality}", **flags)
    assert "+" in "".join(answer.text for answer in run.predictions())
    for name in ("merged", "ctranslate2", *(["adapter"] if modality == "lora" else [])):
        facts = export(run, format_of(name), tmp_path / name)
        assert facts["parity"]["same"] == facts["parity"]["n"] == 9
