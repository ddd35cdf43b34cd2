"""Constrained decoding: how soon a grammar is ready, and what decoding under it costs.

    python -m benchmarks constrain        the figures, in `make bench`
    python -m benchmarks.constrain        the table of the two libraries that could do it

The student is `tiny` in its own size with random weights, one answer at a time, drawn at temperature 1.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.measure import Figure, figure, interleaved
from support.inputs import inputs
from support.random_student import WIDE, golds, learnt, pack, writer

from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Grammar
from dstill_constrain import vocabulary
from dstill_constrain.compiler import Compiler
from dstill_constrain.vocabulary import Vocabulary
from dstill_finetune.tiny import Tiny
from dstill_querydsl.bundle.indices import NAMES

PAIRS = 5
ANSWERS = 6  # of one pair


def figures() -> Iterable[Figure]:
    for name in (*NAMES, WIDE):
        seconds = [_ready(name, Compiler(_small())) for _ in range(PAIRS)]
        note = f"median {statistics.median(seconds):.3f} s from the mapping to the first mask; the bar is 1 s"
        yield figure(f"grammar of {name} ready, of a second", [(second, 1.0) for second in seconds], note)
    yield _speed()


def _small() -> Vocabulary:
    return vocabulary.of(learnt(), len(learnt()))


def _grammar(name: str) -> Grammar:
    task, example = pack(name)
    made = ConstrainedOutput.of(task).grammar(example)
    assert made is not None
    return made


def _ready(name: str, compiler: Compiler) -> float:
    """From a mapping that is read, as prompts and checks need it too, to the first mask."""
    task, example = pack(name)
    profile = task.index_profile(example)
    assert profile is not None
    assert profile.fields.names
    assert profile.values is not None
    started = time.process_time()
    grammar = ConstrainedOutput.of(task).grammar(example)
    assert grammar is not None
    compiler.start(grammar).mask()
    return time.process_time() - started


def _speed() -> Figure:
    """Tokens a second with a grammar, of those without."""
    import torch
    from transformers import T5ForConditionalGeneration

    tokenizer = learnt()
    torch.manual_seed(0)
    config = Tiny().t5(len(tokenizer))
    by = writer(T5ForConditionalGeneration(config), tokenizer)
    by.batch = 1
    grammar = _grammar("weblogs")
    sources = inputs(*(f"question {n}" for n in range(ANSWERS)))

    def seconds_a_token(grammar: Grammar | None) -> Callable[[], float]:
        def run() -> float:
            torch.manual_seed(1)
            started = time.process_time()
            written = list(by.generate_constrained(sources, [grammar] * ANSWERS))
            return (time.process_time() - started) / sum(one.tokens for one in written)

        return run

    measured = interleaved(seconds_a_token(None), seconds_a_token(grammar), PAIRS)
    rates = [statistics.median(1 / one for one in each) for each in zip(*measured, strict=True)]
    note = f"{rates[1]:.0f} tokens/s with it, {rates[0]:.0f} without, at batch 1; the bar is 0.7"
    return figure("tokens/s under a grammar, of those without", measured, note)


# --- the two libraries ------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    library: str
    vocabulary: int
    index: str
    ready: float  # seconds
    mask: float  # milliseconds a token, on average over golds
    worst: float
    accepted: str
    memory: float  # MiB more than before


def llguidance_row(name: str, words: Vocabulary, texts: Sequence[bytes], grammar: Grammar) -> Row:
    compiler, before = Compiler(words), _memory()
    started = time.process_time()
    compiler.start(grammar).mask()
    ready = time.process_time() - started
    times, right = [], 0
    for text in texts:
        state, whole = compiler.start(grammar), True
        for token in words.tokens(text):
            at = time.process_time()
            mask = state.mask()
            times.append(time.process_time() - at)
            whole = whole and bool(mask[token // 8] >> token % 8 & 1)
            if not whole:
                break
            state.consume(token)
        right += whole and state.complete
    return _row("llguidance", words, name, ready, times, right, len(texts), before)


def xgrammar_row(name: str, words: Vocabulary, texts: Sequence[bytes], grammar: Grammar) -> Row:
    import xgrammar

    pieces = [piece or b"\xff[%d]" % number for number, piece in enumerate(words.pieces)]
    tokenizer_info = xgrammar.TokenizerInfo(
        pieces, xgrammar.VocabType.RAW, vocab_size=len(pieces), stop_token_ids=[words.end], add_prefix_space=False
    )
    before = _memory()
    started = time.process_time()
    compiled = xgrammar.GrammarCompiler(tokenizer_info, max_threads=1).compile_grammar(grammar.ebnf or "")
    bits = xgrammar.allocate_token_bitmask(1, len(pieces))
    xgrammar.GrammarMatcher(compiled).fill_next_token_bitmask(bits)
    ready = time.process_time() - started
    times, right = [], 0
    for text in texts:
        matcher, whole = xgrammar.GrammarMatcher(compiled), True
        for token in words.tokens(text):
            at = time.process_time()
            matcher.fill_next_token_bitmask(bits)
            times.append(time.process_time() - at)
            whole = matcher.accept_token(token)
            if not whole:
                break
        right += whole and matcher.accept_token(words.end)
    return _row("xgrammar", words, name, ready, times, right, len(texts), before)


def _row(
    library: str, words: Vocabulary, name: str, ready: float, times: list[float], right: int, of: int, before: float
) -> Row:
    each = sorted(times)
    return Row(library, len(words.pieces), name, ready, 1e3 * statistics.mean(each), 1e3 * each[-1], f"{right}/{of}",
               _memory() - before)  # fmt: skip


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    words = _small()
    print("library      vocabulary  index    ready s   mask ms   worst ms  golds      MiB")
    for name in (*NAMES, WIDE):
        grammar, texts = _grammar(name), [(e.answer or "").encode() for e in golds(name)] if name != WIDE else [b"{}"]
        for row in (llguidance_row, xgrammar_row):
            r = row(name, words, texts, grammar)
            print(f"{r.library:<12} {r.vocabulary:>10,}  {r.index:<8} {r.ready:7.3f} {r.mask:9.3f} {r.worst:10.2f}  "
                  f"{r.accepted:<9} {r.memory:5.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
