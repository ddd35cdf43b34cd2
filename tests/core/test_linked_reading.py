"""Words of a question, links to items of a schema, and readings."""

from __future__ import annotations

import pytest

from dstill.linked import Item, KnownTexts, Ranking, Schema, read, same_value, words
from dstill.linked.names import is_asked, mentions, stems, words_in
from dstill.linked.words import MAX_WORDS


def schema() -> Schema:
    return Schema([
        Item(name="http.status", words=tuple(stems("status")), above=("http",), kind="number"),
        Item(name="user.name", words=("name",), above=("user",), kind="keyword", values=("Rosa", "Ann Lee", "all")),
        Item(name="magnitude", words=("magnitude",), kind="number", description=("strength",)),
        Item(name="flddatepublication", words=("flddatepublication",), kind="date"),
        Item(name="nst", words=("nst",), kind="number"),
    ])  # fmt: skip


def links(question: str) -> dict[tuple[str, str], str]:
    reading = read(question, schema())
    return {(reading.words[word].text, reading.items[item].name): kind for (word, item), kind in reading.links.items()}


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("p95 of took_ms since 3 March 2024", ["p", "95", "of", "took_ms", "since", "3 March 2024"]),
        ("12km, 1,000 rows and 0.5s", ["12", "km", ",", "1,000", "rows", "and", "0.5", "s"]),
        ("from 10.0.0.1 to 10.0.0.0/8", ["from", "10.0.0.1", "to", "10.0.0.0/8"]),
        ('say "a b" to Bob\'s dog', ["say", '"', "a", "b", '"', "to", "Bob", "'", "s", "dog"]),
        ("status:open and net=ak", ["status", ":", "open", "and", "net", "=", "ak"]),
        ("at 10:30 on https://a.b/c", ["at", "10", ":30", "on", "https://a.b/c"]),
        ("100..200 or 4.5-5.5km", ["100", "..", "200", "or", "4.5", "-", "5.5", "km"]),
        ("10k-20k in 2024-03 of 12-34-56", ["10", "k", "-", "20", "k", "in", "2024-03", "of", "12-34-56"]),
        ("red/blue, w/o /a/b", ["red", "/", "blue", ",", "w/o", "/a/b"]),
        ("top10 over $500", ["top", "10", "over", "$", "500"]),
        # signs that stick to words are words of their own, so that values can be pointed to
        ("status=open", ["status", "=", "open"]),
        ("price>5 and size!=3", ["price", ">", "5", "and", "size", "!", "=", "3"]),
        ("x<=1,000", ["x", "<", "=", "1,000"]),
        ("near 51.93,-12.55", ["near", "51.93", ",", "-12.55"]),
        ("web*", ["web", "*"]),
        ("a@b.example on srv-01:80", ["a@b.example", "on", "srv-01:80"]),
        ("חיפוש של 日本語", ["חיפוש", "של", "日本語"]),
        ("", []),
    ],
)
def test_words(question: str, texts: list[str]) -> None:
    found = words(question)
    assert [word.text for word in found] == texts
    assert all(question[word.start : word.end] == word.text for word in found)


def test_written_dates_have_iso_values() -> None:
    values = {word.text: word.value for word in words("on March 3rd, 2024 or in Feb 2023 or on 2022-01-02")}
    assert values["March 3rd, 2024"] == "2024-03-03"
    assert values["Feb 2023"] == "2023-02"
    assert values["2022-01-02"] == "2022-01-02"


def test_dates_in_other_letters_and_digits() -> None:
    assert [word.value for word in words("3 \u017fept 2024")] == ["2024-09-03"]  # a long s
    assert all(
        word.value == word.text for word in words("\u0662\u0660\u0662\u0664-03-03, 3 March \u0662\u0660\u0662\u0664")
    )


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("two hundred and five or seven", {"two hundred and five": "205", "or": "or", "seven": "7"}),
        ("two dozen of twenty-five thousand", {"two dozen": "24", "of": "of", "twenty-five thousand": "25000"}),
        ("one two and fifty one", {"one": "1", "two": "2", "and": "and", "fifty one": "51"}),
        ("one-off of nineteen ninety", {"one-off": "one-off", "of": "of", "nineteen": "19", "ninety": "90"}),
        ("five million three hundred thousand", {"five million three hundred thousand": "5300000"}),
    ],
)
def test_numbers_in_words_have_digits(question: str, values: dict[str, str]) -> None:
    assert {word.text: word.value for word in words(question)} == values


def test_a_long_question_is_cut() -> None:
    assert len(words("x " * 2_000)) == MAX_WORDS


def test_names_of_any_alphabet_have_words() -> None:
    assert words_in("responseStatus_code2") == ["response", "Status", "code", "2"]
    assert words_in("GrößeInCm") == ["Größe", "In", "Cm"]
    assert stems("statusCodes_of_Batteries") == [*stems("status"), "code", "of", "battery"]


def test_links_by_name_value_description_and_parts() -> None:
    assert links("status of rosa") == {("status", "http.status"): "name", ("rosa", "user.name"): "value"}
    assert links("Ann Lee") == {("Ann", "user.name"): "value", ("Lee", "user.name"): "value"}
    assert links("strength and mag") == {("strength", "magnitude"): "description", ("mag", "magnitude"): "short"}
    assert links("publication") == {("publication", "flddatepublication"): "glued"}
    assert links("users") == {("users", "user.name"): "above"}
    assert ("number", "nst") in links("number of stations total")


def test_a_stop_word_is_no_value() -> None:
    assert links("all of them") == {}


def test_positions_are_words_and_then_shown_items() -> None:
    reading = read("status of rosa", schema(), shown=(1, 0))
    assert len(reading) == 5
    assert [reading.item(position).name for position in (3, 4)] == ["user.name", "http.status"]
    assert reading.position(1) == 4
    assert reading.span(0, 2) == "status of rosa"
    assert reading.links == {(0, 1): "name", (2, 0): "value"}
    with pytest.raises(LookupError, match="is a word"):
        reading.item(0)


def test_features_say_what_a_position_is() -> None:
    reading = read('"Rosa" 2024', schema())
    word, number, item = reading.features[1], reading.features[3], reading.features[5]
    assert {"kind:word", "quoted", "capital", "linked:value", "=rosa"} <= word.keys()
    assert {"kind:number", "year"} <= number.keys()
    assert {"type:keyword", "links:value:1", "=name", "above=user"} <= item.keys()
    assert "links:none" in reading.features[4]


@pytest.mark.parametrize(
    ("question", "used", "overlooked"),
    [
        ("status of rosa", {"nst"}, ["http.status"]),
        ("status of rosa", {"http.status"}, []),
        ("status of nst", {"nst"}, []),  # one that is used is named too
        ("statuses of rosa", {"nst"}, []),  # not its name
        ("status of rosa", {"user.name"}, ["http.status"]),  # used for its value alone
        ("rosa", {"nst"}, []),
    ],
)
def test_items_that_an_answer_overlooks(question: str, used: set[str], overlooked: list[str]) -> None:
    assert read(question, schema()).overlooked(used) == overlooked


def test_rest_of_a_long_question_is_unread() -> None:
    assert read("x " * MAX_WORDS, schema()).unread == ""
    assert read("x " * MAX_WORDS + "and more", schema()).unread == "and more"


WIDE = Schema([
    Item(name=name, words=tuple(stems(name)), kind="integer")
    for name in ("price_2", "price_20", "price_200", "repo.name", "repo.name.keyword", "owner.repo.name", "a.push_id")
])  # fmt: skip


@pytest.mark.parametrize(
    ("question", "linked"),
    [
        ("average price_20", {"price_20"}),
        ("average PRICE 200", {"price_200"}),
        ("count by repo.name, please", {"repo.name", "repo.name.keyword"}),
        ("count by owner.repo.name", {"owner.repo.name"}),
        ("maximum push_id", {"a.push_id"}),
        ("average price", {"price_2", "price_20", "price_200"}),
    ],
)
def test_a_spelled_name_links_to_nothing_else(question: str, linked: set[str]) -> None:
    reading = read(question, WIDE)
    assert {reading.items[item].name for _, item in reading.links} == linked
    ranked = Ranking(WIDE).best(question, reading.words, len(linked))
    assert {WIDE.items[item].name for item in ranked} == linked
    if "_" in question or "." in question:
        assert reading.overlooked({"price_2"}) == sorted(linked)
        assert reading.overlooked(linked) == []
    if "push_id" in question:
        assert reading.overlooked({"push_id"}) == []  # as a query has a column of the only table


def test_words_that_look_like_names_and_are_none() -> None:
    question = "price_3, repo.nme of repo.owner for owner.repo since 2.5 e.g. v1.2 @ a@b.org and xx_yy"
    assert list(WIDE.strange(question)) == ["repo.nme", "repo.owner", "xx_yy"]


@pytest.mark.parametrize(
    ("name", "question", "times", "asked"),
    [
        ("price", "What is the highest price?", 1, True),
        ("price", "Which product has the highest price?", 1, False),
        ("age", "List the name and age of all heads, ordered by age.", 2, True),
        ("order_id", "Show the customer id of each order.", 0, False),  # its words, but apart
        ("customer_name", "Give me the names and towns of the customers.", 1, True),
        ("customer_name", "the name of the product for customers", 0, False),
        ("status_code", "Count by status codes", 1, False),
        ("", "anything", 0, False),
        ("a.b*c", "the a b c", 0, False),  # "a" is an article
    ],
)
def test_names_are_found_in_questions(name: str, question: str, times: int, asked: bool) -> None:
    assert (len(mentions(name, question)), is_asked(name, question)) == (times, asked)


def test_other_names_of_values_link_to_them() -> None:
    codes = KnownTexts(("JFK", "EWR"), {"kennedy": "JFK", "new york airport": "JFK", "gone": "XXX"})
    schema = Schema([Item(name="airport", words=("airport",), kind="keyword", values=codes)])
    reading = read("flights from Kennedy or ewr", schema)
    assert {reading.words[word].text: kind for (word, _), kind in reading.links.items()} == {
        "Kennedy": "value",
        "ewr": "value",
    }
    assert [same_value(text, codes) for text in ("kennedy", "New York airports", "ewr")] == ["JFK", "JFK", "EWR"]
    assert same_value("gone", codes) is None  # the data have no such value
    assert same_value("kennedy", KnownTexts(codes)) is None
