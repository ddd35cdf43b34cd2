"""Questions that a teacher invents: matched by id, balanced by category, deduplicated, with stop conditions."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.protocols import QuestionBrief
from dstill.api.records import Example, Prompt
from dstill.stages.generate.question_inventor import LONGEST, REQUEST_SIZE, Inventor, read

BRIEF = QuestionBrief(about="About hats.", categories={"red": "hats that are red", "big": "hats that are big"})
Reply = Callable[[Mapping[str, str]], str]


def asked_in(prompt: Prompt) -> dict[str, str]:
    """Id → category in a prompt, as a teacher reads them."""
    lines = prompt.messages[-1].content.rpartition("Write one question for each:\n")[2].split("\n")
    return {row["id"]: row.get("category", "") for row in map(json.loads, lines)}


def question(id: str) -> str:
    """Another question for every id."""
    return f"hats of {''.join(random.Random(id).choices(ascii_lowercase, k=24))}"


def lines(**questions: str) -> str:
    return "\n".join(json.dumps({"id": id, "question": text}) for id, text in questions.items())


def good_reply(asked: Mapping[str, str]) -> str:
    return lines(**{id: question(id) for id in asked})


def invent(
    n: int, reply: Reply = good_reply, *, brief: QuestionBrief = BRIEF, rate: float = 0.5, **more: Any
) -> Inventor:
    inventor = Inventor(brief, more.pop("seeds", ()), n, seed=0, max_duplicate_rate=rate)
    while prompts := inventor.round():
        for prompt in prompts:
            if not inventor.invented.stopped:
                inventor.take(prompt.example.id, reply(asked_in(prompt)))
    return inventor


# --- prompts ----------------------------------------------------------------------------


def test_categories_share_requests_of_ten_questions() -> None:
    inventor = Inventor(BRIEF, (), 25, seed=0, max_duplicate_rate=0.5)
    prompts = inventor.round()
    asked = [asked_in(prompt) for prompt in prompts]
    assert [len(one) for one in asked] == [REQUEST_SIZE, REQUEST_SIZE, 5]
    assert list(asked[0].values()) == ["red", "big"] * 5  # a request has many kinds
    ids = [id for one in asked for id in one]
    assert len(set(ids)) == 25
    for prompt in prompts:
        inventor.take(prompt.example.id, good_reply(asked_in(prompt)))
    assert inventor.round() == []
    examples = inventor.invented.examples
    assert [sum(one.category == name for one in examples) for name in BRIEF.categories] == [13, 12]
    assert len({one.id for one in examples}) == 25
    assert all(one.answer is None for one in examples)


def test_prompt_describes_data_and_categories() -> None:
    seeds = [Example(id="1", question="who wears ```hats```?")]
    inventor = Inventor(BRIEF, seeds, 2, seed=0, max_duplicate_rate=0.5)
    (prompt,) = inventor.round()
    rules, words = (message.content for message in prompt.messages)
    assert "You do not answer them." in rules
    assert words.startswith("About hats.\n\nCategories:\n- red: hats that are red\n- big: hats that are big\n\n")
    assert '```json\n["who wears ``\\u0060hats``\\u0060?"]\n```' in words  # data that cannot close its code block
    assert words.endswith('{"id":"q1","category":"red"}\n{"id":"q2","category":"big"}')


def test_prompt_without_categories_has_ids_only() -> None:
    inventor = invent(3, brief=QuestionBrief(about="Sums.", context={"index": "i"}))
    assert [(one.category, one.context) for one in inventor.invented.examples] == [("", {"index": "i"})] * 3


def test_later_prompts_show_earlier_questions() -> None:
    asked: list[str] = []

    def half_of(wanted: Mapping[str, str]) -> str:
        return good_reply(dict(list(wanted.items())[: len(wanted) // 2]))

    inventor = Inventor(BRIEF, (), 10, seed=0, max_duplicate_rate=0.5)
    while prompts := inventor.round():
        for prompt in prompts:
            asked.append(prompt.messages[-1].content)
            reply = half_of(asked_in(prompt)) if len(asked) < 3 else good_reply(asked_in(prompt))
            inventor.take(prompt.example.id, reply)
    assert "These are there already" not in asked[0]
    assert question("q1") in asked[1]
    assert len(inventor.invented.examples) == 10


def test_same_replies_give_the_same_prompts() -> None:
    """A rerun finds every reply in the store."""

    def words() -> list[str]:
        seen: list[str] = []
        inventor = Inventor(
            BRIEF, [Example(id=str(n), question=f"seed {n}") for n in range(30)], 300, seed=4, max_duplicate_rate=0.5
        )
        while prompts := inventor.round():
            for prompt in prompts:
                seen.append(prompt.messages[-1].content)
                asked = asked_in(prompt)
                asked.popitem()
                inventor.take(prompt.example.id, good_reply(asked))
        return seen

    first = words()
    assert first == words()
    assert len(set(first)) == len(first)  # prompts are distinct: equal ones would share a cached reply


# --- replies ----------------------------------------------------------------------------


def test_replies_are_matched_to_questions_by_id() -> None:
    """9 of 10, 11, swapped, twice, others' ids: missing ones are requested again, extra ones dropped."""
    wanted = {f"q{n}": ("red", "big")[(n - 1) % 2] for n in range(1, 11)}

    def once(**changed: str | None) -> Inventor:
        inventor = Inventor(BRIEF, (), 10, seed=0, max_duplicate_rate=0.5)
        (prompt,) = inventor.round()
        assert asked_in(prompt) == wanted
        texts = {**{id: question(id) for id in wanted}, **changed}
        reply = lines(**{id: text for id, text in texts.items() if text is not None})
        inventor.take(prompt.example.id, reply)
        return inventor

    nine = once(q4=None)
    assert (len(nine.invented.examples), nine.invented.missing) == (9, 1)
    (again,) = nine.round()
    assert list(asked_in(again).values()) == ["big"]  # one of that category, and under a new id
    nine.take(again.example.id, good_reply(asked_in(again)))
    assert len(nine.invented.examples) == 10

    eleven = once(q11="eleven hats", extra="another hat")
    assert (len(eleven.invented.examples), eleven.invented.extra) == (10, 2)
    assert "eleven hats" not in [one.question for one in eleven.invented.examples]

    swapped = once(q1=question("q2"), q2=question("q1"))
    assert {one.question: one.category for one in swapped.invented.examples}[
        question("q2")
    ] == "red"  # the id's category

    twice = Inventor(BRIEF, (), 2, seed=0, max_duplicate_rate=0.5)
    (prompt,) = twice.round()
    twice.take(prompt.example.id, f"{lines(q1='first hats', q2='other caps')}\n{lines(q1='second thoughts')}")
    assert [one.question for one in twice.invented.examples] == ["first hats", "other caps"]
    assert twice.invented.extra == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "q1", "question": "one"}\n{"id": "q2", "question": "two"}',
        'Here they are:\n\n```json\n{"id": "q1", "question": "one"},\n{"id": "q2", "question": "two"}\n```\nEnjoy!',
        '[{"id": "q1", "question": "one"}, {"id": "q2", "question": "two"}]',
        '```json\n[\n  {"id": "q1",\n   "question": "one"},\n  {"id": " q2 ", "question": "two"}\n]\n```',
        '{"questions": [{"id": "q1", "question": "one"}, {"id": "q2", "question": "two"}]}',
        '{"id": "q1", "question": "one"}\r\n{"id": "q2", "question": "two"}\n{"id": "q3", "quest',  # cut off
        '{"id": 1, "question": "x"}\n{"id": "q1", "question": "one"}\n{"id": "q2", "question": "two", "sure": true}',
        '<think>{"id": "q1", "question": "no"}</think>{"id": "q1", "question": "one"}\n{"id": "q2", "question": "two"}',
    ],
)
def test_replies_are_parsed_leniently_and_ids_exactly(text: str) -> None:
    assert list(read(text)) == [("q1", "one"), ("q2", "two")]


@given(st.text())
def test_parsing_never_raises(text: str) -> None:
    assert list(read(text)) == []


def test_line_separator_does_not_split_a_question() -> None:
    assert list(read('{"id": "q1", "question": "a\u2028b"}')) == [("q1", "a\u2028b")]


def test_invisible_characters_are_removed_and_non_questions_counted() -> None:
    inventor = Inventor(QuestionBrief(about=""), (), 4, seed=0, max_duplicate_rate=1)
    (prompt,) = inventor.round()
    texts = {
        "q1": "hats\u202e of\x1b[31m\n today\u2066",
        "q2": " \u200b",
        "q3": "h" * (LONGEST + 1),
        "q4": "کلاه\u200cها",
    }
    inventor.take(prompt.example.id, lines(**texts))
    assert [one.question for one in inventor.invented.examples] == ["hats of[31m today", "کلاه\u200cها"]
    assert inventor.invented.unusable == 2


# --- duplicates -------------------------------------------------------------------------


def accepted_questions(*questions: str, seeds: tuple[str, ...] = ()) -> list[str]:
    examples = [Example(id=text, question=text) for text in seeds]
    inventor = Inventor(QuestionBrief(about=""), examples, len(questions), seed=0, max_duplicate_rate=1)
    (prompt,) = inventor.round()
    inventor.take(prompt.example.id, lines(**{f"q{n}": text for n, text in enumerate(questions, start=1)}))
    return [one.question for one in inventor.invented.examples]


def test_duplicate_question_is_dropped() -> None:
    assert accepted_questions("Red hats?", "red  hats", "RED, hats!") == ["Red hats?"]


def test_near_duplicate_is_dropped() -> None:
    near = "which of the red hats were sold in the north last week"
    assert accepted_questions(near, near.replace("which of", "which ones of"), "how many caps are there") == [
        near,
        "how many caps are there",
    ]


def test_short_question_is_not_a_duplicate_of_a_longer_one() -> None:
    both = ("hats of today", "how many of the red hats of today were sold in the north")
    assert accepted_questions(*both) == list(both)


def test_questions_with_other_numbers_are_distinct() -> None:
    """Answers are not known here, and a student learns most from such pairs."""
    both = ("requests of today with status 404 on any host", "requests of today with status 500 on any host")
    assert accepted_questions(*both) == list(both)


def test_questions_of_the_user_are_not_repeated() -> None:
    assert accepted_questions("Red hats?", "blue caps", seeds=("red hats",)) == ["blue caps"]


# --- stop conditions --------------------------------------------------------------------


def test_stops_at_the_duplicate_rate() -> None:
    """The same question 500 times: the rate is shown, and requests stop above the limit."""
    requests = 0

    def same(asked: Mapping[str, str]) -> str:
        nonlocal requests
        requests += 1
        return lines(**dict.fromkeys(asked, "which hats are red?"))

    found = invent(500, same).invented
    assert [one.question for one in found.examples] == ["which hats are red?"]
    assert found.stopped == "the teacher repeats itself: 29 of 30 questions are duplicates (97%)"
    assert requests == 3  # not 50
    assert found.summary_lines() == ["30 questions came: 1 kept, 29 duplicates (96.7%)"]


def test_duplicates_are_replaced() -> None:
    def one_third_repeated(asked: Mapping[str, str]) -> str:
        ids = list(asked)
        return lines(**{id: question(ids[0] if n % 3 == 0 else id) for n, id in enumerate(ids)})

    found = invent(100, one_third_repeated).invented
    assert (len(found.examples), found.stopped) == (100, "")
    assert 0.2 < found.duplicate_rate < 0.5
    assert invent(100, one_third_repeated, rate=0.2).invented.stopped.startswith("the teacher repeats itself: 9 of 30 ")


def test_stops_after_replies_without_questions() -> None:
    found = invent(20, lambda asked: "I would rather not.").invented
    assert (found.stopped, found.missing) == ("no reply could be read", 20)
    assert found.summary_lines()[0].endswith("20 missing, 2 replies that could not be read")


def test_stops_when_few_new_questions_arrive() -> None:
    """One new question a request: each request costs as much as ten."""
    found = invent(1_000, lambda asked: good_reply(dict([next(iter(asked.items()))]))).invented
    assert "requests did not bring enough new questions" in found.stopped
    assert 0 < len(found.examples) < 1_000
