"""What the cursor allows: every gold, and nothing that the checks refuse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from support.cursor_walks import walk
from support.sizes import first_quick, size

from dstill.api.checking import find_problems
from dstill.api.form import Cursor, Token
from dstill.api.records import Draft, Example
from dstill.linked import Reading
from dstill_querydsl.form import cursor as cursor_module
from dstill_querydsl.form import tokens as vocabulary
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

QUESTION = "errors of host web-03 above 500 ms since 3 March 2024 and from 10.0.0.1"


FILMS = {
    "properties": {
        "title": {"type": "text"},
        "credits": {"type": "nested", "properties": {"name": {"type": "keyword"}, "job": {"type": "keyword"}}},
    }
}


def after(cursor: Cursor, *tokens: Token) -> Cursor:
    """The cursor after these tokens, each of which must be allowed."""
    for token in tokens:
        assert token in cursor.allowed(), f"{token!r} is not allowed"
        cursor = cursor.push(token)
    return cursor


def fields(cursor: Cursor, reading: Reading) -> set[str]:
    return {reading.item(one).name for one in cursor.allowed() if isinstance(one, int) and one >= len(reading.words)}


def words(cursor: Cursor, reading: Reading) -> set[str]:
    return {reading.words[one].text for one in cursor.allowed() if isinstance(one, int) and one < len(reading.words)}


def at_field(lab: Any, reading: Reading, *tokens: Token) -> Cursor:
    return after(lab.form.start(reading), "{", "query:", "{", *tokens, "{")


def place(reading: Reading, name: str) -> int:
    return reading.position([item.name for item in reading.items].index(name))


def first_part(token: Token) -> Token:
    return vocabulary.split([token])[0] if token else token


def test_an_answer_begins_as_a_body_or_a_refusal(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    assert {first_part(token) for token in lab.form.start(reading).allowed()} == {"{", "refuse"}
    assert {"", "["} == {first_part(token) for token in after(lab.form.start(reading), "refuse").allowed()}


def test_only_fields_whose_type_fits(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    assert "geo_distance:" not in after(lab.form.start(reading), "{", "query:", "{").allowed()  # there is no such field
    kinds = {item.name: item.kind for item in reading.items}
    metric = after(lab.form.start(reading), "{", "aggs:", "{", "#0", "{", "avg:", "{", "field:")
    assert {kinds[name] for name in fields(metric, reading)} <= {"number", "date", "boolean"}
    intervals = fields(at_field(lab, reading, "match_phrase_prefix:"), reading)
    assert {kinds[name] for name in intervals} == {"text"}


def test_values_are_of_the_type_of_the_field(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    number = at_field(lab, reading, "term:", "{", place(reading, "http.response.status_code"))
    assert words(after(number, "value:"), reading) == {"500"}
    date = after(at_field(lab, reading, "range:", "{", place(reading, "@timestamp")), "gte:")
    assert "3 March 2024" in words(date, reading)
    assert "errors" not in words(date, reading)
    address = after(at_field(lab, reading, "term:", "{", place(reading, "source.ip")), "value:")
    assert words(address, reading) == {"10.0.0.1"}


def test_what_the_guard_refuses_is_not_allowed(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    queries = after(lab.form.start(reading), "{", "query:", "{").allowed()
    assert not {"script_score:", "script:", "more_like_this:", "percolate:", "query_string:", "wrapper:"} & set(queries)
    aggregations = after(lab.form.start(reading), "{", "aggs:", "{", "#0", "{").allowed()
    assert not {"scripted_metric:", "bucket_script:", "aggregations:"} & set(aggregations)
    starred = after(at_field(lab, reading, "wildcard:", "{", place(reading, "host.name")), "value:")
    assert "'*" not in starred.allowed()
    assert "+*" not in starred.allowed()


def test_required_keys_come_before_the_end(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    cursor = after(lab.form.start(reading), "{", "aggs:", "{", "#0", "{", "terms:", "{")
    assert not {"}", ""} & set(cursor.allowed())
    cursor = after(cursor, "field:", place(reading, "host.name"))
    assert {"}", "", "size:", "order:"} <= set(cursor.allowed())
    assert "field:" not in cursor.allowed()


def test_nested_fields_only_inside_their_path(lab: Any) -> None:
    _, reading = lab.ask("films with a credit as director", mapping=FILMS)
    nested = [item.name for item in reading.items if item.kind == "nested"]
    inside = {item.name for item in reading.items if any(item.name.startswith(f"{path}.") for path in nested)}
    assert nested
    assert not fields(at_field(lab, reading, "term:"), reading) & inside
    cursor = at_field(lab, reading, "nested:")
    assert "query:" not in cursor.allowed()
    cursor = after(cursor, "path:", place(reading, nested[0]), "query:", "{", "term:", "{")
    assert fields(cursor, reading)
    assert fields(cursor, reading) <= inside


@pytest.mark.parametrize("bottom", [-1, 0, 4])
def test_the_top_of_a_box_is_not_below_its_bottom(lab: Any, bottom: int) -> None:
    mapping = {"properties": {"at": {"type": "geo_point"}, "seen": {"type": "date"}}}
    _, reading = lab.ask("between -1 and 4", mapping=mapping)
    for top in (-7, -1, 0, 3, 4, 12):
        corners = {"bottom_right": {"lat": bottom, "lon": 3}, "top_left": {"lat": top, "lon": 1}}
        body = json.dumps({"query": {"geo_bounding_box": {"at": corners}}})
        cursor = lab.form.start(reading)
        for token in lab.form.encode(body, reading):
            if not cursor.allows(token):
                break
            cursor = cursor.push(token)
        assert cursor.allows("") is (top >= bottom), (top, bottom)


def test_a_list_has_no_text_twice(lab: Any) -> None:
    _, reading = lab.ask("host web-03 or web-04")
    host, status = place(reading, "host.name"), place(reading, "http.response.status_code")
    listed = after(lab.form.start(reading), "{", "_source:", "[", host, ",")
    assert fields(listed, reading) >= {"http.response.status_code"}
    assert "host.name" not in fields(listed, reading)
    assert listed.allows(status)
    assert not listed.allows(host)
    values = after(lab.form.start(reading), "{", "query:", "{", "terms:", "{", host, "[", 1, ",")
    assert values.allows(3)
    assert not values.allows(1) or "]" not in values.push(1).allowed()


def test_an_order_needs_its_aggregation(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    host, took = place(reading, "host.name"), place(reading, "event.duration")
    start = (*("{", "aggs:", "{", "#0", "{", "terms:", "{", "field:", host), *("order:", "[", "{", "#0", "=desc"))
    cursor = after(lab.form.start(reading), *start, "}", "]", "}")
    assert not {"}", ""} & set(cursor.allowed())
    assert "" in after(cursor, "aggs:", "{", "#0", "{", "avg:", "{", "field:", took).allowed()


def test_a_cursor_never_changes_and_refuses_what_is_not_allowed(lab: Any) -> None:
    _, reading = lab.ask(QUESTION)
    cursor = after(lab.form.start(reading), "{")
    before = set(cursor.allowed())
    cursor.push("query:").push("{").push("match_all:")
    assert set(cursor.allowed()) == before
    with pytest.raises(ValueError, match="is not allowed here"):
        cursor.push("match_all:")


def test_merged_tokens_are_allowed_if_their_parts_are(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, reading = lab.ask(QUESTION)
    parts = (("{", "query:", "{", "bool:"), ("{", "query:", "]"), ("size:", "=0"), ("size:", "=null"))
    merged = [vocabulary.JOIN.join(part) for part in parts]
    tree: dict[str, Any] = {}
    for token, part in zip(merged, parts, strict=True):
        at = tree
        for one in part:
            at = at.setdefault(one, {})
        at[""] = token
    monkeypatch.setattr(cursor_module, "_merges", lambda: tree)
    start = lab.form.start(reading)
    assert merged[0] in start.allowed()
    assert merged[1] not in start.allowed()
    assert "filter:" in start.push(merged[0]).push("{").allowed()
    inside = start.push("{").allowed()
    assert merged[2] in inside
    assert merged[3] not in inside


def test_a_reading_of_another_form_has_no_cursor(lab: Any) -> None:
    _, reading = lab.ask("films", mapping=FILMS)
    assert QueryForm(lab.task.index_profile).start(reading) is None


# --- walks and golds ----------------------------------------------------------------------


def walked(task: QueryDsl, examples: Sequence[Example], count: int, seed: int) -> Counter[str]:
    """What became of random walks over readings of these examples."""
    form, counts = QueryForm(task.index_profile), Counter[str]()
    for number in range(count):
        example = examples[number % len(examples)]
        reading = form.read(example)
        cursor = form.start(reading)
        written = walk(cursor, seed + number)
        if written is None:
            counts["no end"] += 1
            continue
        body = form.decode(written, reading)
        errors = [one for one in find_problems(task, example, Draft(answer=body)) if one.is_error]
        counts[f"{errors[0].layer}: {errors[0].message}" if errors else "valid"] += 1
        end = after_all(cursor, written)
        assert "refusal" in json.loads(body) or end.body == json.loads(body)
    return counts


def after_all(cursor: Any, written: Sequence[Token]) -> Any:
    for token in written:
        cursor = cursor.push(token)
    return cursor


def test_random_walks_pass_every_check(lab: Any) -> None:
    examples = [lab.ask(question)[0] for question in (QUESTION, "top 5 users", "what is the revenue", "")]
    counts = walked(lab.task, examples, 40, 11)
    assert counts["valid"] == 40, counts


def test_one_token_is_allowed_if_it_is_among_all_that_are(lab: Any) -> None:
    assert_same_on_walks(lab.form, lab.ask(QUESTION)[1], 2)


@pytest.mark.slow
def test_one_token_is_allowed_if_it_is_among_all_that_are_on_many_walks(lab: Any) -> None:
    assert_same_on_walks(lab.form, lab.ask(QUESTION)[1], 20)


def assert_same_on_walks(form: QueryForm, reading: Reading, count: int) -> None:
    """`allows` looks at one token alone, without `allowed`."""
    tokens: list[Token] = ["", *vocabulary.tokens(), *range(len(reading) + 1)]  # the last one is the padding of a batch
    for written in filter(None, (walk(form.start(reading), seed) for seed in range(count))):
        alone, together = form.start(reading), form.start(reading)
        for token in written:
            allowed = together.allowed()
            differing = [one for one in tokens if alone.allows(one) is not (one in allowed)]
            assert not differing, (written, token)
            alone, together = alone.push(token), together.push(token)


@pytest.mark.slow
@pytest.mark.parametrize("index", first_quick(["weblogs", "movies", "flights"]))
def test_many_random_walks_pass_every_check(index: str) -> None:
    task = QueryDsl(Settings(n_questions=60, index=index))
    examples = [*task.examples("train"), *task.examples("test_unseen_data")]
    count = size("WALKS", ci=200, nightly=2_000)
    counts = walked(task, examples, count, 1)
    print(f"{index}: {counts['valid'] / count:.2%} of {count} walks; {dict(counts)}")
    assert counts["valid"] + counts["no end"] == count
    assert counts["no end"] <= 0.01 * count


@pytest.mark.slow
@pytest.mark.parametrize("index", first_quick(["weblogs", "movies", "flights"]))
def test_golds_come_back_and_are_allowed(index: str) -> None:
    """`test_unseen_data` are the questions about quakes and its variants."""
    task = QueryDsl(Settings(n_questions=size("QUESTIONS", ci=200, nightly=7_500), index=index))
    form = QueryForm(task.index_profile)
    for split in ("train", "validation", "test", "test_unseen_templates", "test_unseen_data"):
        for example in task.examples(split):
            reading = form.read(example)
            written = form.encode(example.answer or "", reading)
            assert task.canonical(form.decode(written, reading)) == task.canonical(example.answer or "")
            cursor: Any = form.start(reading)
            for token in written:
                assert token in cursor.allowed(), (example.question, example.answer, written, token)
                cursor = cursor.push(token)
            assert "" in cursor.allowed(), (example.question, example.answer)
