"""Log-probabilities of answers: those that the model gives when it reads the same answer again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.inputs import inputs
from support.random_student import learnt, llama, t5, writer

from dstill.api.records import Grammar
from dstill.api.student import Generation
from dstill_finetune.generation import PORTION, ModelGenerator

pytestmark = pytest.mark.slow

MODELS = {"t5": t5, "llama": llama}
SOURCES = inputs("predict: how many?", "predict: which of all the hosts had the most errors?", "predict: x")
GRAMMAR = Grammar(ebnf='root ::= "{" [a-c]{2,6} "}"')


def writer_of(kind: str) -> ModelGenerator:
    tokenizer = learnt(400, ("weblogs",))
    return writer(MODELS[kind](tokenizer), tokenizer)


def read_again(by: ModelGenerator, source: str, answer: list[int]) -> list[float]:
    """The log-probability of each token of the answer, from one pass over all of it."""
    ((ids, task),) = by.encoder.prompts([source])
    if by.encoder.encoder_decoder:
        start = by.model.generation_config.decoder_start_token_id
        given = {"input_ids": torch.tensor([ids]), "decoder_input_ids": torch.tensor([[start, *task, *answer[:-1]]])}
    else:
        given = {"input_ids": torch.tensor([[*ids, *task, *answer[:-1]]])}
    with torch.inference_mode():
        logits = by.model(**given).logits[0, -len(answer) :].float()
    found: list[float] = logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None])[:, 0].tolist()
    return found


def record_tokens(by: ModelGenerator, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that `by` makes from now on, with the tokens of their answers."""
    made: list[Any] = []
    row = by._row
    monkeypatch.setattr(by, "_row", lambda *args: made.append(row(*args)) or made[-1])
    return made


@pytest.mark.parametrize("kind", list(MODELS))
@pytest.mark.parametrize("mode", ["greedy", "sampled", "constrained"])
def test_logprob_is_that_of_reading_the_answer_again(kind: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the grammar and the temperature that chose the tokens. Long answers are written in portions."""
    by = writer_of(kind)
    rows = record_tokens(by, monkeypatch)
    if mode == "sampled":
        written = [one for (one,) in by.sample(SOURCES, 1, temperature=3.0, seed=1)]
    elif mode == "constrained":
        written = list(by.generate_constrained(SOURCES, [GRAMMAR] * len(SOURCES)))
    else:
        by.temperature = 0.0
        written = list(by.generate(SOURCES))
        assert max(one.tokens for one in written) > PORTION
    for source, row, one in zip(SOURCES, rows, written, strict=True):
        ended = [by.encoder.tokenizer.eos_token_id] if row.ended else []
        expected = read_again(by, source.text, [*row.answer, *ended])
        assert len(row.logprobs) == one.tokens == len(expected)
        assert row.logprobs == pytest.approx(expected, abs=1e-3)
        assert (one.logprob, one.least_logprob) == (sum(row.logprobs), min(row.logprobs))


def test_text_without_tokens_has_no_logprob() -> None:
    empty = Generation.written("", [], seconds=0.0, truncated=False)
    assert (empty.tokens, empty.logprob, empty.least_logprob) == (0, None, None)
