"""Students with random weights write only sentences of a grammar, for any architecture and vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from support.inputs import inputs
from support.random_student import learnt, llama, t5, write, writer

from dstill.answering.constrained import Constrained
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Example, Grammar
from dstill.api.student import Generator
from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill_constrain import vocabulary
from dstill_torch.objectives import DistillStepByStep, RationaleFirst

TABLE = Grammar(ebnf='root ::= "SELECT " COLUMN " FROM films" (" WHERE year > " NUMBER)?\n'
                     'COLUMN ::= "title" | "year" | "the name"\nNUMBER ::= [1-9] [0-9]{0,3}')  # fmt: skip
WRITTEN = re.compile(r"SELECT (title|year|the name) FROM films( WHERE year > [1-9][0-9]{0,3})?")


def word_tokenizer() -> Any:
    """A byte-level tokenizer that has seen none of these sentences."""
    return learnt(700, ("weblogs",))


@pytest.mark.parametrize("make", [t5, llama], ids=["encoder–decoder", "decoder"])
def test_every_answer_is_a_complete_sentence_of_the_grammar(make: Any) -> None:
    tokenizer = word_tokenizer()
    written = write(writer(make(tokenizer), tokenizer), TABLE, 40)
    assert all(WRITTEN.fullmatch(one.text) for one in written), [one.text for one in written]
    assert not any(one.truncated for one in written)
    assert len({one.text for one in written}) > 5


@pytest.mark.parametrize("make", [t5, llama], ids=["encoder–decoder", "decoder"])
def test_sentencepiece_spaces_are_read(make: Any, unigram: Any) -> None:
    written = write(writer(make(unigram), unigram), TABLE, 40)
    assert all(WRITTEN.fullmatch(one.text) for one in written), [one.text for one in written]


def test_vocabulary_pieces_join_to_the_text(unigram: Any) -> None:
    text = '{"title": "the year of ships", "n": 1999}'
    for tokenizer in (unigram, word_tokenizer()):
        made = vocabulary.of(tokenizer, len(tokenizer) + 3)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert b"".join(made.pieces[i] for i in ids).decode().removeprefix(" ") == text
        assert made.pieces[tokenizer.eos_token_id] == b""
        assert made.pieces[-1] == b""  # a row of the head without a token
        assert b"".join(made.pieces[i] for i in made.tokens(text.encode())).decode() == text


def test_greedy_answers_are_constrained_only_for_rows_with_a_grammar() -> None:
    tokenizer = word_tokenizer()
    by = writer(t5(tokenizer), tokenizer, temperature=0.0)
    by.model.generation_config.max_new_tokens = 64  # with random weights a free text has the maximum length
    held, free = by.generate_constrained(inputs("predict: a", "predict: b"), [TABLE, None])
    assert WRITTEN.fullmatch(held.text)
    assert not WRITTEN.fullmatch(free.text)
    assert [one.text for one in by.generate(inputs("predict: b"))] == [free.text]


@pytest.mark.slow
@pytest.mark.parametrize("make", [t5, llama], ids=["encoder–decoder", "decoder"])
def test_sampled_answers_are_constrained(make: Any) -> None:
    tokenizer = word_tokenizer()
    by = Constrained(
        writer(make(tokenizer), tokenizer, temperature=0.0),
        DistillStepByStep(),
        Words(),  # type: ignore[arg-type]
        [Example(id=id, question="?") for id in ("1", "2", "")],
    )
    sources = inputs("predict: a", "predict: b", "predict: c")
    first, second, free = by.sample(sources, 6, temperature=1.0, seed=1)
    assert all(WRITTEN.fullmatch(one.text) for one in (*first, *second))
    assert len({one.text for one in (*first, *second)}) > 2
    assert not any(WRITTEN.fullmatch(one.text) for one in free)
    again = [[one.text for one in given] for given in by.sample(sources, 6, temperature=1.0, seed=1)]
    assert again == [[one.text for one in given] for given in (first, second, free)]


def test_decoder_at_its_position_limit_truncates_the_answer() -> None:
    tokenizer = word_tokenizer()
    long = Grammar(ebnf="root ::= [a-z]{600}")
    student = writer(llama(tokenizer, places=64), tokenizer)
    student.model.generation_config.max_new_tokens = 16
    (one,) = write(student, long, 1)
    assert one.truncated
    assert one.text.isalpha()
    assert 16 < one.tokens < 64  # more than the usual limit, and within its positions
    student.model.generation_config.max_new_tokens = 512
    (one,) = write(student, long, 1)
    assert not one.truncated  # as without a grammar, it may continue


class WordsOutput(ConstrainedOutput):
    def grammar(self, example: Example) -> Grammar | None:
        return TABLE if example.id else None


class Words(Task):
    name = "words"
    checks = ()
    protocols: ClassVar = {ConstrainedOutput: WordsOutput}

    def examples(self, split: str) -> Iterable[Example]:
        return ()


@pytest.mark.slow
def test_rationale_first_student_is_constrained_from_the_answer_on() -> None:
    tokenizer, task, example = word_tokenizer(), Words(), Example(id="1", question="?")
    grammar = RationaleFirst().grammar(task, example)
    assert grammar is not None
    assert grammar.frame == ("<rationale>", "</rationale><answer>", "</answer>")
    assert DistillStepByStep().grammar(task, example) == TABLE
    short = Grammar(ebnf=grammar.ebnf, frame=grammar.frame)
    (one,) = write(writer(t5(tokenizer), tokenizer), short, 1)
    # with random weights the reasoning has the maximum length; an answer follows
    assert one.text.startswith("<rationale>")
    answer = re.search(r"</rationale><answer>(.*)</answer>$", one.text, re.DOTALL)
    assert answer is not None
    assert WRITTEN.fullmatch(answer[1])


def test_task_without_grammar_and_unconstrainable_student_are_refused() -> None:
    class Plain(Generator):
        def generate(self, sources: Any) -> Any:
            return iter(())

    task, objective = Words(), DistillStepByStep()
    with pytest.raises(UsageError, match="task 'words' has no grammar"):
        Constrained(Plain(), objective, task, [Example(id="", question="?")])  # type: ignore[arg-type]
    held = Constrained(Plain(), objective, task, [Example(id="1", question="?")])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="does not support constrained decoding"):
        list(held.generate(inputs("?")))


def test_vocabulary_without_required_characters_is_refused(unigram: Any) -> None:
    with pytest.raises(DataError, match="cannot write what the grammar asks for"):
        write(writer(t5(unigram), unigram), Grammar(ebnf='root ::= "Größe"'), 1)
