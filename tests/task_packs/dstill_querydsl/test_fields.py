import pytest

from dstill_querydsl.language.fields import Fields

PROPERTIES = {
    "title": {"type": "text", "fields": {"raw": {"type": "keyword"}, "ngram": {"type": "text"}}},
    "year": {"type": "integer"},
    "cast": {"type": "nested", "properties": {"role": {"properties": {"id": {"type": "long"}}}}},
    "released": {"type": "date", "format": "yyyy-MM-dd"},
    "labels": {"type": "flattened"},
    "name": {"type": "alias", "path": "title"},
    "loop": {"type": "alias", "path": "loop"},
    "hidden": {"type": "keyword", "doc_values": False},
    "loose": {"type": "text", "fielddata": True},
}  # fmt: skip


@pytest.mark.parametrize(
    "mapping",
    [
        {"properties": PROPERTIES},
        {"mappings": {"properties": PROPERTIES}},
        {"movies-1": {"mappings": {"properties": PROPERTIES}}},
        {"properties": {"mappings": {"properties": PROPERTIES}}},  # an index called "properties"
    ],
)
def test_reads_every_form_of_mapping(mapping) -> None:
    fields = Fields.of(mapping)
    assert fields.get("title.raw").family == "keyword"
    assert fields.get("title.raw").sub
    assert fields.get("cast.role.id").nested == ("cast",)
    assert fields.get("cast.role").type == "object"
    assert fields.get("nope") is None


def test_reads_alias_flattened_and_runtime_fields() -> None:
    fields = Fields.of({"properties": PROPERTIES, "runtime": {"day": {"type": "keyword", "script": "…"}}})
    assert fields.get("name").type == "text"
    assert fields.get("loop").type == "alias"
    assert fields.get("labels.any.thing").family == "keyword"
    assert fields.get("day").family == "keyword"
    assert fields.get("year.below") is None


def test_knows_fields_with_doc_values() -> None:
    fields = Fields.of({"properties": PROPERTIES})
    has = {name for name in fields.names if fields.get(name).has_doc_values}
    assert {"title.raw", "year", "released", "loose"} <= has
    assert not {"title", "hidden", "cast"} & has


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("titel", "title"),
        ("YEAR", "year"),
        ("title.keyword", "title.raw"),
        ("role.id", "cast.role.id"),
        ("zzz", None),
        ("cast.rol.id", "cast.role.id"),
        ("cast.role.di", "cast.role.id"),
        ("cast.zzz", "cast"),
    ],
)
def test_nearest_name(name, near) -> None:
    assert Fields.of({"properties": PROPERTIES}).nearest(name) == near


def test_merges_indices_and_names_conflicts() -> None:
    one = {"mappings": {"properties": {"a": {"type": "long"}, "b": {"type": "date"}}}}
    two = {"mappings": {"properties": {"a": {"type": "keyword"}, "c": {"type": "ip"}}}}
    fields = Fields.of({"logs-1": one, "logs-2": two})
    assert set(fields.names) == {"a", "b", "c"}
    assert {name: set(one.types) for name, one in fields.conflicts.items()} == {"a": {"long", "keyword"}}


@pytest.mark.parametrize(
    "mapping", [{}, {"properties": None}, {"properties": {"a": 3, "b": {"type": 4}}}, {"mappings": []}]
)
def test_skips_broken_parts_of_mapping(mapping) -> None:
    assert len(Fields.of(mapping).names) <= 1
