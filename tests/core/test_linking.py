"""Links between words and items, compared with a plain version that looks at every pair; and the ranking of items."""

import random
import re
from datetime import date

import pytest

from dstill.linked import LINKS, Item, Ranking, Schema, read, words
from dstill.linked.known import folded, partial_values, same_value
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems

LETTERS = ("at", "mag", "magnitude", "name", "names", "publication", "fldpublication", "nst", "rms", "user", "status")


def _item(random_: random.Random, number: int) -> Item:
    def some(most: int) -> tuple[str, ...]:
        return tuple(random_.choice(LETTERS) for _ in range(random_.randrange(most + 1)))

    values = ("US", "new york", "New", "a-b", "no", "404", "user name", "-", "")
    return Item(
        name=f"f{number}",
        words=some(3) or ("x",),
        kind="keyword",
        above=some(2),
        description=some(2),
        values=tuple(random_.sample(values, random_.randrange(4))),
    )


def _plain_kinds(word, item):
    """The kinds of links of one word and one item, without values and initials."""
    low = word.text.lower()
    if word.kind != "word" or low in STOP_WORDS:
        return
    names = {*item.words, "".join(item.words)}
    for stem in stems(word.text):
        if stem in names:
            yield "name"
        if len(stem) >= 3 and any(
            name != stem
            and name[:3] == stem[:3]
            and (name.startswith(stem) or stem.startswith(name) or name[:4] == stem[:4])
            for name in names
        ):
            yield "short"
        if stem in item.description:
            yield "description"
        if stem in item.above:
            yield "above"
    said = folded(word.text)
    having = {folded(value) for value in item.values if said in folded(value).split()}
    if len(having) == 1 and len(said) >= 3 and not said.isdigit():
        yield "said"
    if len(low) >= 4 and any(low in name and not name.startswith(low) for name in names):
        yield "glued"


def _plain_initials(found, item):
    spoken = [n for n, word in enumerate(found) if word.kind == "word" and word.text.lower() not in STOP_WORDS]
    for name in {*item.words, "".join(item.words)}:
        for at in range(len(spoken)):
            taken = spoken[at : at + len(name)]
            if 2 <= len(name) <= 4 and "".join(found[n].text[0].lower() for n in taken) == name:
                yield from taken


def _plain_values(question, found, item):
    for value in item.values:
        pattern = re.escape(value.replace("-", " "))
        for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", question.replace("-", " "), re.IGNORECASE):
            code = len(value) > 1 and match.group().isupper()
            if re.search(r"\w", value) and (value.lower() not in STOP_WORDS or code):
                yield from (n for n, word in enumerate(found) if word.start < match.end() and word.end > match.start())


def _plain(question, found, items):
    kinds: dict = {}
    for number, item in enumerate(items):
        for place, word in enumerate(found):
            kinds[place, number] = set(_plain_kinds(word, item))
        for place in _plain_initials(found, item):
            kinds[place, number].add("short")
        for place in _plain_values(question, found, item):
            kinds[place, number].add("value")
    return {pair: min(of, key=LINKS.index) for pair, of in kinds.items() if of}


@pytest.mark.parametrize("seed", range(60))
def test_links_are_those_of_plain_version(seed: int) -> None:
    random_ = random.Random(seed)
    items = [_item(random_, number) for number in range(random_.randrange(9))]
    said = (
        *LETTERS,
        "number",
        "of",
        "stations",
        "root",
        "mean",
        "square",
        "US",
        "us",
        "New",
        "york",
        "404",
        "a-b",
        "12",
        "no",
    )
    question = " ".join(random_.choice(said) for _ in range(12))
    found, schema = words(question), Schema(items)
    expected = _plain(question, found, items)
    assert schema.link(question, found) == expected
    shown = random_.sample(range(len(items)), len(items) // 2)
    assert schema.link(question, found, shown) == {pair: kind for pair, kind in expected.items() if pair[1] in shown}


def test_word_that_stands_for_words_of_names_links_to_them() -> None:
    items = [_field("depth"), _field("width"), _field("lead.name")]
    meant = {"deepest": ("depth",), "boss": ("manager", "lead")}
    schema = Schema(items, lambda word: meant.get(word, ()))
    assert schema.link("the Deepest", words("the Deepest")) == {(1, 0): "description"}
    assert schema.link("the boss", words("the boss")) == {(1, 2): "above"}
    assert Schema(items).link("the boss", words("the boss")) == {}


@pytest.mark.parametrize(
    ("question", "dates"),
    [
        ("on 6 February, please", [("6 February", "date", "2018-02-06")]),
        ("since March 3rd", [("March 3rd", "date", "2017-03-03")]),
        ("in may, and what may be", [("may", "month", "2017-05")]),
        ("between the 1st and the 3 Feb 2018", [("1st", "date", "2018-02-01"), ("3 Feb 2018", "date", "2018-02-03")]),
        ("from 30 to 31 February", []),
        ("3 marches of 12", []),
    ],
)
def test_dates_without_year_are_the_last_until_now(question: str, dates: list) -> None:
    found = words(question, date(2018, 2, 7))
    assert [(word.text, word.kind, word.value) for word in found if word.kind in ("date", "month")] == dates
    assert all(question[word.start : word.end] == word.text for word in found)


def test_stop_word_that_is_written_as_code_is_value() -> None:
    schema = Schema([Item(name="country", words=("country",), kind="keyword", values=("US", "IN"))])
    linked = [schema.link(one, words(one)) for one in ("flights from US", "show us flights", "FLIGHTS IN US")]
    assert linked == [{(2, 0): "value"}, {}, {}]


@pytest.mark.parametrize(
    ("question", "linked"),
    [
        ("orders with paidd", {(2, 0): "said"}),
        ("customers from Odensee", {(2, 1): "said"}),
        ("orders with padi", {}),  # too short
        ("orders with bodense", {}),  # another first letter
        ("orders with statue", {(2, 0): "short"}),  # it begins as a name does
    ],
)
def test_misspelt_word_says_the_value_that_it_is_nearly(question: str, linked: dict[tuple[int, int], str]) -> None:
    items = [
        Item(name="state", words=("state",), kind="text", values=("PAID", "OUT_FOR_DELIVERY")),
        Item(name="town", words=("town",), kind="text", values=("Odense", "Ribe")),
    ]
    assert Schema(items).link(question, words(question)) == linked


def test_known_value_is_found_where_lower_case_is_longer() -> None:
    question = "İİİ of rosa"
    schema = Schema([Item(name="user", words=("u",), kind="keyword", values=("Rosa",))])
    assert schema.link(question, words(question)) == {(2, 0): "value"}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("trips in transit", {(2, 2): "IN_TRANSIT"}),
        ("Comedies of acme", {(2, 2): "Acme Corp."}),
        ("corp of both", {(0, 0): "Acme Corp."}),
        ("new ones", {}),  # New York or New Delhi
        ("IN_TRANSIT", {}),  # the whole value
        ("12", {}),
        ("", {}),
    ],
)
def test_part_of_one_known_value(question: str, said: dict) -> None:
    values = ("IN_TRANSIT", "Acme Corp.", "Comedy", "New York", "New Delhi", "C", "C++", "F", "12 Monkeys")
    assert partial_values(question, words(question), values) == said


def test_same_value_has_another_case_plural_or_separators() -> None:
    values = ("IN_TRANSIT", "Comedy", "C", "C++", "F")
    said = [same_value(one, values) for one in ("in transit", "In-Transit", "comedies", "c", "f", "transit", "")]
    assert said == ["IN_TRANSIT", "IN_TRANSIT", "Comedy", None, "F", None, None]  # two are C without signs


# --- ranking ----------------------------------------------------------------------------


def _field(name: str, kind: str = "keyword", **more) -> Item:
    above, _, last = name.rpartition(".")
    return Item(name=name, words=tuple(stems(last)), above=tuple(stems(above)), kind=kind, **more)


def _best(items, question: str, most: int | None = None, **more) -> list[str]:
    return [items[number].name for number in Ranking(Schema(items), **more).best(question, words(question), most)]


def test_rare_word_counts_more() -> None:
    items = [*(_field(f"part{n}.status") for n in range(30)), _field("cache.hit")]
    assert _best(items, "status by cache", 1) == ["cache.hit"]


def test_value_name_and_what_is_above_count_in_this_order() -> None:
    items = [_field("rosa.id"), _field("x.rosa"), _field("y", values=("rosa",)), _field("z")]
    assert _best(items, "errors of rosa") == ["y", "x.rosa", "rosa.id", "z"]


def test_item_whose_name_is_all_there_comes_first() -> None:
    items = [_field("payload.commits.repo.id"), _field("repo.owner.id"), _field("repo.id")]
    assert _best(items, "the repo id", 1) == ["repo.id"]


def test_form_of_word_above_counts() -> None:
    items = [*(_field(f"f{n}") for n in range(9)), _field("delay.departure"), _field("dest.code")]
    assert _best(items, "the delayed ones", 1) == ["delay.departure"]
    assert _best(items, "per destination", 1) == ["dest.code"]


def test_word_that_stands_for_another_and_cue_find_items_that_no_word_names() -> None:
    items = [
        *(_field(f"f{n}") for n in range(20)),
        _field("took", "number"),
        _field("position", "point", features=("unit=km",)),
    ]
    ranking = Ranking(Schema(items, lambda word: ("took",) if word == "slow" else ()))
    assert ranking.best("slow ones", words("slow ones"), 1) == [20]
    for needed in ("point", "unit=km"):
        assert _best(items, "within 3 km", 1, cues=[(re.compile(r"\bkm\b"), frozenset((needed,)))]) == ["position"]


def test_needed_items_follow_and_sure_items_come_first() -> None:
    items = [_field("a"), _field("crew", "nested"), _field("crew.job", needs=("crew",)), _field("time", prior=1.0)]
    assert _best(items, "by job", 3) == ["time", "crew.job", "crew"]


def test_ties_are_in_order_of_prior_then_rarity_then_schema() -> None:
    items = [_field("kiln_in"), _field("kiln_out"), _field("other"), _field("known", prior=0.5)]
    assert _best(items, "anything") == ["known", "kiln_in", "kiln_out", "other"]  # "in", "out" are as rare as "other"
    assert _best([*items[:2], _field("kiln"), _field("other")], "anything")[-1] == "kiln"


def test_words_of_long_value_and_of_address_name_nothing() -> None:
    items = [_field("host"), _field("site.url"), _field("title", values=("the host of the site",))]
    assert _best(items, "those called the host of the site", 1) == ["title"]
    assert _best(items, "http://host/site by title", 1) == ["title"]


def test_schema_without_items() -> None:
    assert _best([], "errors of rosa") == []
    reading = read("errors of rosa", Schema([]))
    assert (len(reading.words), len(reading.items), dict(reading.links)) == (3, 0, {})
