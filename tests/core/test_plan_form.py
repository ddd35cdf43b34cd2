"""Plans as tokens that a student writes, and as answers of a language."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Example
from dstill.linked import Reading
from dstill.linked.tokens import NotExpressible, Token
from dstill.plans import tokens as plan_tokens
from dstill.plans.form import PlanForm
from dstill.plans.questions import plan_questions
from dstill.synthesis.domains.definitions import domains
from dstill.synthesis.domains.naming import PLAIN
from dstill.synthesis.domains.subjects import subject_of
from dstill.synthesis.plans import Aggregate, Comparison, Existence, Place, Plan, Skip
from dstill.synthesis.subjects import Attribute, Entity, Relation, Subject

CITY = Attribute(name="city", noun="city", kind="category", values=("Oslo", "New York"))
SIZE = Attribute(name="size", noun="size", kind="number", values=(3, 5))
OPENED = Attribute(name="opened", noun="opening date", kind="date")
NAME = Attribute(name="name", noun="name", kind="name", values=("Ann Berg",))
KEY = Attribute(name="id", noun="id", kind="code", values=(1, 2), whole=True)
SHOP = Entity(name="shop", noun="shop", attributes=(KEY, CITY, SIZE, OPENED), key=KEY)
PERSON = Entity(name="person", noun="person", attributes=(NAME,), key=KEY)
OWNER, BAKER = (
    Relation(child="shop", parent="person", role=role, column=f"{role}_id", to_column="id")
    for role in ("owner", "baker")
)
SUBJECT = Subject(entities=(SHOP, PERSON), relations=(OWNER, BAKER))


def write(plan: Plan) -> str:
    """A language of its own, which cannot sort."""
    if plan.order is not None:
        raise Skip("no order")
    return f"{plan.entity.name}: {len(plan.shown)}"


FORM = PlanForm(lambda example: None if "nothing" in example.question else SUBJECT, write, refusal="none")


def reading(question: str) -> Reading:
    return FORM.reading(question, SUBJECT)


def tokens(plan: Plan, question: str) -> list[str]:
    """The tokens of a plan, pointers as what they point to."""
    read = reading(question)
    return [token if isinstance(token, str) else read.text(token) for token in plan_tokens.encode(plan, read)]


def plan(*shown: Place | Aggregate, **more: object) -> Plan:
    return Plan(**{"subject": SUBJECT, "entity": SHOP, "shown": shown, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "question", "written"),
    [
        (plan(Aggregate("count")), "how many shops", "shop count"),
        (
            plan(Place(CITY), conditions=(Comparison(Place(SIZE), ">", (5,)),), order=Place(SIZE), limit=1),
            "the city of the smallest shop over 5",
            "shop shop.city where gt shop.size 5 order shop.size limit =1",
        ),
        (
            plan(Place(CITY), conditions=(Comparison(Place(NAME, (BAKER,)), "=", ("Ann Berg",)),)),
            "cities where Ann Berg bakes",
            "shop shop.city where eq person.name via shop.baker_id Ann .. Berg",
        ),
        (
            plan(Aggregate("avg", Place(SIZE)), group=(Place(KEY, (OWNER,)), Place(CITY))),
            "average size by owner and city",
            "shop avg shop.size by person via shop.owner_id shop.city",
        ),
        (
            plan(Place(NAME), entity=PERSON, conditions=(Existence(OWNER, True, Comparison(Place(SIZE), "=", (7,))),)),
            "who owns no shop of size 7",
            "person person.name where not exists shop via shop.owner_id eq shop.size 7",
        ),
        (
            plan(Place(CITY), conditions=(Comparison(Place(CITY), "in", ("Oslo", "Rome")),)),
            "in Oslo or Rome",
            "shop shop.city where in shop.city Oslo Rome )",
        ),
    ],
)
def test_a_plan_is_written_in_few_tokens(made: Plan, question: str, written: str) -> None:
    assert " ".join(tokens(made, question)) == written
    assert plan_tokens.decode(plan_tokens.encode(made, reading(question)), reading(question)) == made


def bare(made: Plan | None) -> Plan | None:
    """A plan without what only its wording needs."""
    if made is None:
        return None
    conditions = tuple(replace(c, called="") if isinstance(c, Existence) else c for c in made.conditions)
    return replace(made, called=None, about=(), per_parent=(), conditions=conditions)


@pytest.mark.parametrize("seed", range(2))
def test_plans_of_any_domain_come_back_and_the_cursor_allows_them(seed: int) -> None:
    refusals = 0
    for question, made, subject in islice(plan_questions(seed), 200):
        read = FORM.reading(question, subject)
        written = plan_tokens.encode(made, read)
        assert plan_tokens.decode(written, read) == bare(made)
        refusals += made is None
        for at in range(len(written) + 1):
            following = written[at] if at < len(written) else ""
            assert following in plan_tokens.allowed(written[:at], read)
    assert 0 < refusals < 60


@given(st.integers(0, 50), st.data())
def test_whatever_the_cursor_allows_is_a_plan(seed: int, data: st.DataObject) -> None:
    domain = domains()[data.draw(st.sampled_from(sorted(domains())))]
    subject = subject_of(domain, PLAIN, Random(seed), now=datetime(2024, 5, 1))
    read = FORM.reading("names of the 3 largest in Oslo or Rome since May 2024", subject)
    cursor = PlanForm(lambda _: subject, str, "none").start(read)
    assert cursor is not None
    written: list[Token] = []
    for length in range(40):
        options = sorted(cursor.allowed(), key=str)
        assert options
        if options == [""] or ("" in options and length > 6):
            break
        token = data.draw(st.sampled_from([option for option in options if option != ""]))
        written.append(token)
        cursor = cursor.push(token)
    else:
        return  # it goes on
    with contextlib.suppress(NotExpressible):  # a spelled value that is none, or no part of a known one
        plan_tokens.decode(written, read)


def test_invented_questions_repeat_for_a_seed() -> None:
    first, again, other = ([question for question, *_ in islice(plan_questions(seed), 40)] for seed in (1, 1, 2))
    assert first == again != other


def test_an_answer_is_a_plan_in_the_language_or_a_refusal() -> None:
    read = FORM.read(Example(id="1", question="how many shops"))
    assert FORM.decode(plan_tokens.encode(plan(Aggregate("count")), read), read) == "shop: 1"
    assert FORM.decode(FORM.encode("none", read), read) == "none"
    with pytest.raises(NotExpressible, match="cannot be read as plans"):
        FORM.encode("shop: 1", read)
    with pytest.raises(NotExpressible, match="no order"):
        FORM.decode(plan_tokens.encode(plan(Place(CITY), order=Place(SIZE)), read), read)
    known = PlanForm(lambda _: SUBJECT, write, "none", lambda answer, _: plan(Aggregate("count")))
    assert known.encode("shop: 1", read) == plan_tokens.encode(plan(Aggregate("count")), read)


@pytest.mark.parametrize(
    "wrong", [[], ["refuse", "refuse"], ["count"], [99], [3, "count", "count", "where"], [3, "where"], ["", ""]]
)
def test_other_tokens_are_no_plan(wrong: list[Token]) -> None:
    with pytest.raises(NotExpressible):
        plan_tokens.decode(wrong, reading("how many shops"))


def test_a_question_about_nothing_has_no_cursor() -> None:
    read = FORM.read(Example(id="1", question="nothing"))
    assert FORM.start(read) is None
    with pytest.raises(NotExpressible, match="about no subject"):
        FORM.decode([0], read)
    with pytest.raises(NotExpressible):
        FORM.encode("x", read)


def test_of_a_wide_subject_the_student_reads_a_part() -> None:
    many = tuple(replace(SIZE, name=f"size{n}", noun=f"size {n}") for n in range(300))
    wide = Subject(entities=(replace(SHOP, attributes=(KEY, CITY, *many)),))
    read = FORM.reading("average size250 by city", wide)
    names = {item.name for item in read.items}
    assert len(names) <= 96
    assert {"shop", "shop.size250", "shop.city"} <= names
    figure = Aggregate("avg", Place(many[250]))
    made = Plan(subject=wide, entity=wide.entities[0], shown=(figure,), group=(Place(CITY),))
    assert plan_tokens.decode(plan_tokens.encode(made, read), read) == made
