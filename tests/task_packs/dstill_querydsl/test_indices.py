"""The generated index: the same bytes for the same seed, and what its mapping promises; indices by name."""

import hashlib
import ipaddress
import json
from pathlib import Path

import pytest
from support.field_counts import leaves
from support.recorded_names import assert_names_of_values

from dstill.api.protocols import Demo
from dstill.errors import DataError, UsageError
from dstill_querydsl.bundle import weblogs
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import HELD_OUT, NAMES, aliases_in, bundled
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.protocols.demo import RECORDED, recorded
from dstill_querydsl.settings import Settings


def _bytes(count: int, seed: int = 7) -> bytes:
    return "\n".join(json.dumps(row) for row in weblogs.documents(count, seed)).encode()


def test_same_seed_gives_same_bytes() -> None:
    assert _bytes(300) == _bytes(300)
    assert _bytes(300) != _bytes(300, seed=8)
    # known: another machine or Python must come to the same
    assert hashlib.sha256(_bytes(300)).hexdigest().startswith("7ce2fbf78ef06050")


def test_documents_are_in_time_order_and_from_documentation_ranges() -> None:
    rows = list(bundled("weblogs", 1000).documents())
    times = [source["@timestamp"] for _, source in rows]
    assert times == sorted(times)
    assert times[-1] < weblogs.NOW
    assert len({name for name, _ in rows}) == 1000
    nets = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    for _, source in bundled("weblogs", 500).documents():
        assert any(ipaddress.ip_address(source["source"]["ip"]) in net for net in nets)


def test_mapping_has_the_fields_of_documents() -> None:
    index = bundled("weblogs", 1_500)
    fields = {one.name for one in Fields.of(index.mapping) if not one.sub and one.family not in ("object", "nested")}
    assert {path for _, source in index.documents() for path, _ in leaves(source)} == fields


def test_mapping_has_pitfalls_and_some_documents_lack_fields() -> None:
    fields = weblogs.MAPPING["properties"]
    assert "fields" not in fields["host"]["properties"]["name"]
    assert set(fields["url"]["properties"]["path"]["fields"]) == {"raw"}
    assert fields["error"]["properties"]["message"] == {"type": "text"}
    assert "type" not in fields["upstream"]
    sources = [source for _, source in bundled("weblogs", 500).documents()]
    for name in ("user", "error", "x-cache", "upstream"):
        there = sum(name in source for source in sources)
        assert 0 < there < len(sources)


def test_digest_identifies_index() -> None:
    assert bundled("weblogs", 100).digest == bundled("weblogs", 100).digest
    assert bundled("weblogs", 100).digest != bundled("weblogs", 101).digest


def test_unknown_index_error_suggests_nearest_name() -> None:
    with pytest.raises(UsageError, match="Did you mean 'weblogs'"):
        bundled("weblog")
    with pytest.raises(UsageError, match="Did you mean 'movies'"):
        bundled("movie")


def test_held_out_indices_are_bundled() -> None:
    assert set(HELD_OUT) < set(NAMES)
    assert [name for name in NAMES if bundled(name, 10).now] == [
        "weblogs",
        "movies",
        "flights",
        "quakes",
        "birdstrikes",
        "factbook",
    ]


def test_demo_is_about_an_index_with_a_recorded_teacher() -> None:
    (option,) = [one for one in QueryDsl.options if "demo" in one.commands]
    assert option.name == "--bundled-index"
    for name in RECORDED:
        settings = option.read(name).settings
        assert settings["task.querydsl.index"] == name
        assert all(Path(settings[key]).exists() for key in ("teacher.replay.file", "generate.test_questions"))
        assert settings.keys() <= Demo.class_of(QueryDsl).demo_settings.keys()
    with pytest.raises(UsageError, match="no teacher's questions about 'weblogs' are bundled"):
        option.read("weblogs")
    with pytest.raises(UsageError, match="Did you mean 'factbook'"):
        option.read("factbok")


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_names_are_of_values_that_the_data_have(name: str) -> None:
    assert_names_of_values(aliases_in(recorded(name)["task.querydsl.aliases"]), bundled(name).values)


def test_bundled_names_of_an_unknown_index_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no bundled index called '\.\./x'"):
        aliases_in("bundled:../x")
    with pytest.raises(DataError, match="cannot read"):
        aliases_in("bundled:weblogs")  # nothing is recorded about it


def test_no_index_of_a_recorded_teacher_is_one_that_the_base_knows() -> None:
    assert set(RECORDED) < set(HELD_OUT)


def test_unseen_data_is_about_another_index() -> None:
    about = {
        row.context["index"] for row in QueryDsl(Settings(index="quakes", n_questions=90)).examples("test_unseen_data")
    }
    assert about == {"birdstrikes"}


@pytest.mark.parametrize("count", [0, -1, 20_001])
def test_document_count_out_of_range_is_an_error(count: int) -> None:
    with pytest.raises(UsageError, match="out of range"):
        bundled("weblogs", count)


def test_context_with_mapping_gives_index() -> None:
    own = index_of({"index": "mine", "mapping": {"properties": {"a": {"type": "keyword"}}}})
    assert list(own.documents()) == []
    assert index_of({"index": "mine"}) is None
    assert index_of({}) is None
