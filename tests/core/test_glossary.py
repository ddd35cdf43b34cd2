"""The form of a glossary, and how its terms are read in questions."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy import Toy

from dstill import Run
from dstill.api.glossary import Glossary, Term, glossary_in
from dstill.api.protocols import Terms
from dstill.api.records import Example
from dstill.api.values import Values
from dstill.errors import DataError
from dstill.linked import Item, KnownTexts, Reading, Schema, read
from dstill.linked.known import folded, same_value
from dstill.linked.names import stems
from dstill.linked.ranking import Ranking
from dstill.linked.words import words
from dstill.stages.predict.answer_objects import data_rows
from dstill.stages.predict.predictor import Predictor

TEXT = """
[turnover]
means = "orders.amount"
description = "in euros"

[kennedy]
means = "airports.code"
value = "JFK"
also = ["Idlewild"]

[late]
of = "jobs"
condition = "finished_on > promised_on"
also = ["overdue", "behind schedule"]

["Late payer"]
data = "shop"
condition = { range = { delay = { gt = 15 } } }

[revenue]
measure = "qty * price"

[buyer]
join = "orders.customer_id = customers.id"
"""


def glossary(text: str = TEXT) -> Glossary:
    return Glossary.read(tomllib.loads(text), "words.toml")


# --- the form ---------------------------------------------------------------------------


def test_terms_are_read_in_their_order() -> None:
    turnover, kennedy, late, payer, revenue, buyer = glossary().terms
    assert (turnover.means, turnover.value, turnover.meaning) == ("orders.amount", "", "orders.amount")
    assert (kennedy.names, kennedy.meaning) == (("kennedy", "Idlewild"), "airports.code = JFK")
    assert (late.of, str(late)) == ("jobs", "late = finished_on > promised_on")
    assert (payer.identifier, payer.condition) == ("late_payer", {"range": {"delay": {"gt": 15}}})
    assert (revenue.meaning, buyer.meaning) == ("qty * price", "orders.customer_id = customers.id")
    assert late.where == "words.toml, [late]"


def test_teachers_read_a_term_with_its_other_names() -> None:
    turnover, _, late, *_ = glossary().terms
    assert turnover.text == "turnover means orders.amount (in euros)"
    assert late.text == "late (also overdue, behind schedule) means finished_on > promised_on"
    assert Glossary([turnover, late]).text == f"{turnover.text}, {late.text}"
    assert (Glossary().text, bool(Glossary()), bool(glossary())) == ("", False, True)


def test_terms_of_other_data_are_not_read() -> None:
    assert [term.name for term in glossary().of("school").terms] == [
        "turnover", "kennedy", "late", "revenue", "buyer",
    ]  # fmt: skip
    assert len(glossary().of("shop").terms) == 6


@pytest.mark.parametrize(
    ("text", "where", "wrong"),
    [
        ("late = 3", "late", "a term is a table"),
        ("[[late]]\nmeans = 'a'", "late", "a term is a table"),
        ("[late]\nmeans = 'a'\nalias = 'b'", "late", "unknown key 'alias'"),
        ("[late]\nconditions = 'a'", "late", "unknown key 'conditions'. Did you mean 'condition'?"),
        ("[late]\nmeans = 'a'\nname = 'b'", "late", "unknown key 'name'"),
        ("[late]\nmeans = 'a'\nwhere = 'b'", "late", "unknown key 'where'"),
        ("[late]\nmeans = 'a'\nalso = 'overdue'", "late", "'also' is not a list of names"),
        ("[late]\nmeans = 'a'\nalso = [1]", "late", "'also' is not a list of names"),
        ("[late]\nmeans = 3", "late", "'means' is not text"),
        ("[late]\nmeans = ' '", "late", "'means' is not text"),
        ("[late]\nmeans = 'a'\nvalue = 3", "late", "'value' is not text"),
        ("[late]\nmeasure = ['a']", "late", "'measure' is not text"),
        ("[late]\nmeans = 'a'\ndata = ''", "late", "'data' is not text"),
        ("[late]", "late", "it has no meaning"),
        ("[late]\ndescription = 'a'", "late", "it has no meaning"),
        ("[late]\ncondition = ''", "late", "it has no meaning"),
        ("[late]\nmeans = 'a'\ncondition = 'b'", "late", "it has means and condition"),
        ("[late]\nmeasure = 'a'\njoin = 'a = b'", "late", "it has measure and join"),
        ("[late]\nvalue = 'a'\ncondition = 'b'", "late", "a value needs the column or field that has it"),
        ("[late]\nvalue = 'a'", "late", "it has no meaning"),
        ("['!?']\nmeans = 'a'", "!?", "'!?' is not a name"),
        ("['']\nmeans = 'a'", "", "'' is not a name"),
        ("[late]\nmeans = 'a'\nalso = ['_']", "late", "'_' is not a name"),
        (f"[{'x' * 61}]\nmeans = 'a'", "x" * 61, f"'{'x' * 60}' is not a name"),
        ("[late]\nmeans = 'a'\n[Late]\nmeans = 'b'", "Late", "'Late' is also a name of [late]"),
        ("[late]\nmeans = 'a'\n[slow]\nmeans = 'b'\nalso = ['LATE!']", "slow", "'LATE!' is also a name of [late]"),
        (
            "[late_job]\nmeans = 'a'\n['late jobs']\nmeans = 'b'",
            "late jobs",
            "'late jobs' is also a name of [late_job]",
        ),
    ],
)
def test_bad_terms_are_named(text: str, where: str, wrong: str) -> None:
    with pytest.raises(DataError) as raised:
        glossary(text)
    assert wrong in raised.value.what
    assert raised.value.where == f"words.toml, [{where}]"


def test_a_term_may_repeat_its_own_name() -> None:
    (term,) = glossary("[late]\nmeans = 'a'\nalso = ['Late', 'LATE']").terms
    assert term.names == ("late", "Late", "LATE")


def test_a_name_has_one_meaning_in_each_data() -> None:
    both = glossary("[late]\nmeans = 'a'\ndata = 'shop'\n[Late]\nmeans = 'b'\ndata = 'school'")
    assert [term.means for term in both.of("shop").terms] == ["a"]
    assert [term.means for term in both.of("school").terms] == ["b"]
    with pytest.raises(DataError, match="also a name of"):
        glossary("[late]\nmeans = 'a'\n[Late]\nmeans = 'b'\ndata = 'school'")


def test_a_glossary_has_a_limit() -> None:
    many = {f"word {number}": {"means": "a"} for number in range(1_001)}
    with pytest.raises(DataError, match="1,001 terms"):
        Glossary.read(many, "words.toml")
    many.popitem()
    assert len(Glossary.read(many, "words.toml").terms) == 1_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["also", "means", "value", "of", "condition", "measure", "join", "data", "description", "?"])


@given(
    st.dictionaries(st.text(max_size=8), JSON | st.dictionaries(KEYS, JSON | st.just(["a"]), max_size=4), max_size=4)
)
def test_any_content_is_a_glossary_or_an_error_that_says_where(data: Mapping[str, Any]) -> None:
    try:
        read_ = Glossary.read(data, "words.toml")
    except DataError as error:
        assert error.where.startswith("words.toml")  # noqa: PT017 - either may happen
    else:
        assert [term.name for term in read_.terms] == [*data]
        assert all(term.meaning and term.text.startswith(term.name) for term in read_.terms)


# --- the file ---------------------------------------------------------------------------


def test_a_setting_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert len(glossary_in("words.toml", "task.x.glossary").terms) == 6
    assert not glossary_in("", "task.x.glossary")


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"[late",
        b"late = \xff",
        b"[late]\nmeans = 'a'\n[late]\nmeans = 'b'",
        b"# " + b"x" * 2**20,
        b"[late]\ncondition = " + b"{ a = " * 60 + b"1" + b" }" * 60,
    ],
    ids=["missing", "no TOML", "no text", "twice", "too large", "too deep"],
)
def test_a_file_that_cannot_be_read_is_named_with_its_setting(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "words.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as raised:
        glossary_in(str(file), "task.x.glossary")
    assert raised.value.what.startswith(f"cannot read '{file}': ")
    assert raised.value.where == "task.x.glossary"


def test_a_bad_term_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text("[late]\nmean = 'a'")
    with pytest.raises(DataError) as raised:
        glossary_in(str(tmp_path / "words.toml"), "task.x.glossary")
    assert raised.value.where == f"{tmp_path / 'words.toml'}, [late]"
    assert raised.value.exit_code == 4


# --- terms in questions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("how many jobs are overdue?", ["late"]),
        ("How many are BEHIND-SCHEDULE", ["late"]),
        ("revenue of late jobs, and turnovers", ["revenue", "late", "turnover"]),
        ("late payers of the shop", ["Late payer", "late"]),
        ("flights to Idlewild and to Kennedy", ["kennedy"]),
        ("the latest job that is behind the schedule", []),
        ("", []),
    ],
)
def test_a_question_names_terms_in_any_spelling(question: str, named: list[str]) -> None:
    assert [term.name for term in glossary().named(question)] == named


@given(st.lists(st.sampled_from(["turnover", "Idlewild", "OVERDUE", "revenues", "buyer"]), unique=True))
def test_all_terms_of_a_question_are_found_in_their_order(said: list[str]) -> None:
    names = {"Idlewild": "kennedy", "OVERDUE": "late", "revenues": "revenue"}
    assert [term.name for term in glossary().named(" and ".join(said))] == [names.get(word, word) for word in said]


def item(name: str, **more: Any) -> Item:
    above, _, own = name.rpartition(".")
    return Item(name=name, words=tuple(stems(own)), above=tuple(stems(above)), kind="number", **more)


SCHEMA = Schema(
    [
        item("jobs.late", called=("late", "behind schedule"), made_of=("jobs.finished", "jobs.promised")),
        item("jobs.finished"),
        item("jobs.promised"),
        item("jobs.schedule", values=("late", "early")),
        item("jobs.amount", called=("turnover", "schedule price")),
        item("bills.amount", called=("turnover",)),
    ]
)


def links(question: str, schema: Schema = SCHEMA) -> dict[str, set[tuple[str, str]]]:
    """Word → the items that it links to, and how."""
    reading = read(question, schema)
    found: dict[str, set[tuple[str, str]]] = {word.text: set() for word in reading.words}
    for (place, number), kind in reading.links.items():
        found[reading.words[place].text].add((reading.items[number].name, kind))
    return found


def test_words_of_a_term_link_to_its_item_and_to_no_other() -> None:
    assert links("rows behind schedule")["schedule"] == {("jobs.late", "name")}
    assert links("rows Behind  Schedules")["Behind"] == {("jobs.late", "name")}
    assert links("which schedule")["schedule"] == {("jobs.schedule", "name")}


def test_a_term_goes_before_a_known_value() -> None:
    assert links("rows that are late")["late"] == {("jobs.late", "name")}
    assert ("jobs.schedule", "value") in links("rows that are early")["early"]


def test_a_term_may_mean_several_items() -> None:
    assert links("turnover")["turnover"] == {("jobs.amount", "name"), ("bills.amount", "name")}


def test_of_terms_that_overlap_the_longer_one_is_meant() -> None:
    found = links("late behind schedule price")
    assert found["late"] == found["behind"] == {("jobs.late", "name")}
    longer = Schema([item("a", called=("order",)), item("b", called=("order of the day",))])
    assert links("the order of the day", longer)["order"] == {("b", "name")}
    assert links("the order of a day", longer)["order"] == {("a", "name")}


def test_only_shown_items_are_linked() -> None:
    reading = read("turnover behind schedule", SCHEMA, shown=[5, 1])
    assert {reading.items[number].name for _, number in reading.links} == {"bills.amount"}


def test_schemas_without_terms_read_as_before() -> None:
    plain = Schema([Item(**{**vars(of), "called": (), "made_of": ()}) for of in SCHEMA.items])
    for question in ("finished jobs on schedule", "amounts promised by jobs", "early ones"):
        with_terms_, without = read(question, SCHEMA), read(question, plain)
        assert with_terms_.links == without.links
        assert list(with_terms_.features) == list(without.features)


def test_items_of_a_term_are_shown_among_many() -> None:
    many = Schema([*(item(f"t.column{number}") for number in range(400)), item("t.x", called=("behind schedule",))])
    question = "what is behind schedule"
    assert 400 in Ranking(many).best(question, words(question), 20)


# --- items that are overlooked ----------------------------------------------------------


def reading_of(question: str) -> Reading:
    return read(question, SCHEMA)


def test_an_answer_that_has_the_definition_overlooks_no_term() -> None:
    late = reading_of("how many jobs are late")
    assert late.overlooked(frozenset({"jobs.finished", "jobs.promised"})) == []
    assert late.overlooked(frozenset({"finished", "promised", "amount"})) == []


def test_an_answer_with_part_of_a_definition_overlooks_the_term() -> None:
    late = reading_of("how many are late")
    assert "jobs.late" in late.overlooked(frozenset({"jobs.finished"}))
    assert "jobs.late" in late.overlooked(frozenset({"jobs.amount"}))


def test_of_two_terms_one_may_be_overlooked() -> None:
    both = reading_of("amount of jobs that are late")
    assert both.overlooked(frozenset({"jobs.amount"})) == ["jobs.late"]
    assert both.overlooked(frozenset({"jobs.amount", "jobs.finished", "jobs.promised"})) == []


# --- known values by other names --------------------------------------------------------


def test_values_have_more_names() -> None:
    known = Values.read({"airports.code": ["JFK", "LGA"]}).with_aliases({"airports.code": {"JFK": ["new york"]}}, "a")
    more = known.with_more_aliases(
        {"airports.code": {"JFK": ["kennedy"], "EWR": ["newark"]}, "towns.name": {"Rye": ["R"]}}
    )
    code, town = more.get("airports.code"), more.get("towns.name")
    assert code is not None
    assert town is not None
    texts = KnownTexts(code.values, code.aliases)
    assert [same_value(text, texts) for text in ("Kennedy", "new york", "newark", "LGA", "idlewild")] == [
        "JFK", "JFK", "EWR", "LGA", None,
    ]  # fmt: skip
    assert (list(town.values), dict(town.aliases)) == (["Rye"], {"R": "Rye"})
    assert known.with_more_aliases({}).to_json() == known.to_json()
    assert "EWR" not in str(known.to_json())


# --- tasks with a glossary --------------------------------------------------------------

SUMS = Glossary.read({"dozen": {"means": "twelve", "also": ["12"]}, "pair": {"means": "two"}}, "sums.toml")


class ToyTerms(Terms):
    def glossary(self, example: Example) -> Glossary:
        return SUMS

    def probe(self, example: Example, term: Term) -> str:
        return "12+0" if term.name == "dozen" else "2+0"


class Worded(Toy):
    protocols: ClassVar = {**Toy.protocols, Terms: ToyTerms}


def test_answers_say_which_terms_a_question_names(trained_run: Callable[..., Run]) -> None:
    run = trained_run().answerable()
    example = Example(id="1", question="add a pair and 2 dozens")
    with Predictor(run) as answering:
        (plain,) = answering.answer([example])
    assert plain.glossary == ()
    assert "glossary" not in plain.to_row()
    setup = run.setup
    vars(setup)["task"] = Worded(setup.task.config)
    with Predictor(run) as answering:
        answered, none = answering.answer([example, Example(id="2", question="add 1 and 2")])
    assert answered.glossary == ("pair = two", "dozen = twelve")
    assert answered.to_row()["glossary"] == ["pair = two", "dozen = twelve"]
    assert none.glossary == ()


def test_data_have_their_terms() -> None:
    assert data_rows(Worded(), {})["glossary"] == [["dozen, 12", "twelve"], ["pair", "two"]]
    assert data_rows(Toy(), {})["glossary"] == []


def test_tasks_without_the_protocol_have_no_terms() -> None:
    of = Terms.of(Toy())
    assert not of.glossary(Example(id="1", question="add a dozen and 1"))
    assert of.probe(Example(id="1", question="?"), SUMS.terms[0]) == ""
    assert folded("Dozens") == folded("dozen")
