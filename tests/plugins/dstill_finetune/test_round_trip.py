"""A base whose tokenizer lacks characters of the targets: new rows are learnt, saved, and loaded by plain libraries.

Bases: T5 and Llama, embedding and head in one or apart, with and without rows to spare (T5's embedding has
more rows than its tokenizer has tokens). Each is trained in each modality; then one process of its own opens
them all by the code of their model cards.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.finetuned import fit, hf_student, records
from support.sizes import first_quick

from dstill.api.modality import Modality
from dstill.api.recipe import Recipe
from dstill.api.records import Pair
from dstill_torch.modalities import Full, Lora, Qlora

TOKENS = 38  # of the Unigram tokenizer
ODD = [
    (Pair(task_prefix="predict: ", source=f"all odd {thing}", target='{"a": "<b>\\\\n\n  end"}'),) for thing in "abcd"
]
PROMPTS = ["predict: all red cars", "explain: all brown hats", "predict: all"]
SHAPES = {  # name → (architecture, embedding and head are one, rows of the embedding)
    "t5": ("t5", True, 64),  # rows to spare for every new token
    "t5-apart": ("t5", False, 39),  # to spare for one
    "llama": ("llama", True, 40),
    "llama-apart": ("llama", False, TOKENS),
}
KINDS: dict[str, type[Modality]] = {"full": Full, "lora": Lora, "qlora": Qlora}
CASES = [f"{shape} {kind}" for shape in SHAPES for kind in KINDS]


def marked(cases: Iterable[str]) -> list[Any]:
    """Every case but that of an adapter on a tied decoder is for the slow tests."""
    return [case if case == "llama lora" else pytest.param(case, marks=pytest.mark.slow) for case in cases]


@dataclass
class Trained:
    folder: Path
    parameters: int  # trained ones
    before: list[torch.Tensor]  # embedding and head as they act, before the first step
    after: list[torch.Tensor]
    new: list[int]  # ids of added tokens
    lacked: set[str]  # what they stand for
    logits: list[torch.Tensor]  # of the model in memory, for each prompt
    answers: list[list[int]]


def base_of(shape: str, tokenizer: Any, folder: Path) -> Path:
    import transformers

    architecture, tied, rows = SHAPES[shape]
    torch.manual_seed(0)
    special = {"vocab_size": rows, "tie_word_embeddings": tied, "pad_token_id": 0, "eos_token_id": 1}
    model: Any
    if architecture == "t5":
        small = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4, "num_layers": 1, "dropout_rate": 0.0}
        config = transformers.T5Config(**small, **special, decoder_start_token_id=0)
        model = transformers.T5ForConditionalGeneration(config)
        if not tied:  # as FLAN-T5's: its configuration comes to say otherwise
            model.lm_head.weight = torch.nn.Parameter(0.1 * torch.randn(rows, 64))
    else:
        small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4}
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**small, **special, bos_token_id=None))
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def embedding_and_head(model: Any) -> list[torch.Tensor]:
    """Embedding and head with adapter rows, as computed outputs instead of stored weights."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    with torch.no_grad():
        width = embedding.weight.shape[1]
        return [
            embedding(torch.arange(embedding.weight.shape[0])).clone(),
            head(torch.eye(width)).T.clone(),
        ]


def outputs(model: Any, tokenizer: Any) -> tuple[list[torch.Tensor], list[list[int]]]:
    """Logits and answers, as the script below computes them."""
    model.eval()
    logits, answers = [], []
    for prompt in PROMPTS:
        ids, given = inputs(tokenizer, prompt, model.config.is_encoder_decoder)
        with torch.no_grad():
            logits.append(model(**given).logits[0])
        options = {"do_sample": False, "max_new_tokens": 24, "eos_token_id": 1, "pad_token_id": 0}
        answers.append(model.generate(input_ids=ids, attention_mask=ids.new_ones(ids.shape), **options)[0].tolist())
    return logits, answers


def inputs(tokenizer: Any, prompt: str, encoder_decoder: bool) -> tuple[Any, dict[str, Any]]:
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    given = {"input_ids": ids, "attention_mask": ids.new_ones(ids.shape)}
    target = tokenizer('{"cars":{"colour"', return_tensors="pt", add_special_tokens=False)["input_ids"]
    if encoder_decoder:
        given["decoder_input_ids"] = target
    else:
        given["input_ids"] = torch.cat([ids, target], 1)
        given["attention_mask"] = given["input_ids"].new_ones(given["input_ids"].shape)
    return ids, given


@pytest.fixture(scope="module")
def trained(unigram: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    made: dict[str, Trained] = {}
    home = tmp_path_factory.mktemp("round-trip")

    def make(case: str) -> Trained:
        if case in made:
            return made[case]
        shape, kind = case.split()

        class Watched(KINDS[kind]):  # type: ignore[misc]
            def prepare(self, model: Any, recipe: Recipe) -> Any:
                self.model = super().prepare(model, recipe)
                self.before = embedding_and_head(self.model)
                return self.model

        base, folder = home / shape, home / case.replace(" ", "-")
        if not base.exists():
            base_of(shape, unigram(), base)
        student, modality = hf_student(base), Watched()
        rate = 3e-3 if kind == "full" else 2e-2
        fitted = fit(
            student,
            modality,
            folder,
            [*records(), *ODD],
            max_steps=8,  # an epoch has 7
            learning_rate=rate,
        )
        tokenizer = student.load(folder).encoder.tokenizer
        logits, answers = outputs(modality.model, tokenizer)
        made[case] = Trained(
            folder=folder,
            parameters=fitted.trained_parameters,
            before=modality.before,
            after=embedding_and_head(modality.model),
            new=list(range(TOKENS, len(tokenizer))),
            lacked=set(tokenizer.convert_ids_to_tokens(range(TOKENS, len(tokenizer)))),
            logits=logits,
            answers=answers,
        )
        return made[case]

    return make


@pytest.mark.parametrize("case", marked(CASES))
def test_new_token_rows_are_trained_and_with_an_adapter_no_others(case: str, trained: Callable[[str], Trained]) -> None:
    student = trained(case)
    assert student.lacked >= set('{}"<>\\\n')
    for before, after in zip(student.before, student.after, strict=True):
        assert ((before - after)[student.new].abs().amax(1) > 1e-3).all()
        assert torch.equal(before[:TOKENS], after[:TOKENS]) != case.endswith(" full")


@pytest.mark.parametrize("case", marked(case for case in CASES if not case.endswith("full")))
def test_adapter_stores_new_rows_without_the_embedding(case: str, trained: Callable[[str], Trained]) -> None:
    student = trained(case)
    saved = load_file(student.folder / "adapter_model.safetensors")
    tokens = {name: tuple(tensor.shape) for name, tensor in saved.items() if "lora_" not in name}
    assert set(tokens.values()) == {(len(student.new), 64)}
    assert student.parameters == sum(tensor.numel() for tensor in saved.values())
    assert len(tokens) == (2 if case.startswith("llama-apart") else 1)  # T5's head takes the embedding's (`token_rows`)
    config = json.loads((student.folder / "adapter_config.json").read_text())
    assert list(config["trainable_token_indices"].values()) == [student.new] * len(tokens)


SCRIPT = """
import json, sys
sys.path.insert(0, {here!r})
cases = json.loads(sys.stdin.read())
found = {{}}
for case, code in cases.items():
    names = {{}}
    exec(code, names)
    found[case] = (names["model"], names["tokenizer"])
assert not [name for name in sys.modules if name.partition(".")[0].startswith("dstill")]
import plain
print(json.dumps({{case: plain.row(*both) for case, both in found.items()}}))
"""


@pytest.fixture(scope="module")
def answers_of_plain_libraries(
    trained: Callable[[str], Trained], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Results of every student in a process with only transformers and peft."""
    import inspect

    module = tmp_path_factory.mktemp("plain")
    parts = [
        "import torch",
        "from typing import Any",
        f"PROMPTS = {PROMPTS!r}",
        inspect.getsource(inputs),
        inspect.getsource(outputs),
        "def row(model, tokenizer):",
        "    logits, answers = outputs(model, tokenizer)",
        "    return {'logits': [one.tolist() for one in logits], 'answers': answers}",
    ]
    (module / "plain.py").write_text("\n".join(parts))
    codes = {case: loading_code(trained(case).folder) for case in CASES}
    script = SCRIPT.format(here=str(module))
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], input=json.dumps(codes), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def loading_code(folder: Path) -> str:
    """The lines of the model card that make `tokenizer` and `model`."""
    code = (folder / "README.md").read_text().split("```python\n")[1].split("\nprompt = ")[0]
    return code.replace('FOLDER = "."', f"FOLDER = {str(folder)!r}")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_transformers_and_peft_give_the_same_tokens_and_logits(
    case: str, trained: Callable[[str], Trained], answers_of_plain_libraries: dict[str, Any]
) -> None:
    student, found = trained(case), answers_of_plain_libraries[case]
    assert found["answers"] == student.answers
    for mine, theirs in zip(student.logits, found["logits"], strict=True):
        torch.testing.assert_close(torch.tensor(theirs), mine, rtol=1e-5, atol=1e-5)


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("kind", first_quick([Full, Lora]))
def test_resumed_training_keeps_the_new_rows(kind: type[Modality], unigram: Callable[[], Any], tmp_path: Path) -> None:
    base = base_of("t5-apart", unigram(), tmp_path / "base")

    def stop(step: int, *_: Any) -> None:
        if step == 6:
            raise Killed

    options = {"max_steps": 9, "save_steps": 4, "learning_rate": 5e-3}
    fit(hf_student(base), kind(), tmp_path / "whole", job={"checkpoints": tmp_path / "kept"}, **options)
    job = {"checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(Killed):
        fit(hf_student(base), kind(), tmp_path / "half", job={**job, "on_step": stop}, **options)
    fit(hf_student(base), kind(), tmp_path / "half", job=job, **options)
    name = "model.safetensors" if kind is Full else "adapter_model.safetensors"
    one, other = load_file(tmp_path / "whole" / name), load_file(tmp_path / "half" / name)
    assert one.keys() == other.keys()
    assert all(one[key].allclose(other[key], rtol=1e-5, atol=1e-7) for key in one)
