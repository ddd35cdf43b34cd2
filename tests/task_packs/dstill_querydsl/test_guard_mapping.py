import pytest

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

MAPPING = {
    "properties": {
        "secret": {"type": "keyword", "copy_to": ["all", "more"], "fields": {"raw": {"type": "keyword"}}},
        "open": {"type": "keyword", "copy_to": "most"},
        "al": {"type": "alias", "path": "secret"},
        "raw": {"type": "alias", "path": "secret.raw"},
        "over": {"type": "alias", "path": "all"},
        "fine": {"type": "alias", "path": "open"},
        "all": {"type": "text", "fields": {"exact": {"type": "keyword"}}},
        "more": {"type": "text"},
        "most": {"type": "text"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}, "ngram": {"type": "text"}}},
        "user": {"properties": {"mail": {"type": "keyword", "copy_to": "user.any"}, "any": {"type": "text"}}},
    }
}
NAMES = (
    "secret", "secret.raw", "open", "al", "raw", "over", "fine", "all", "all.exact", "more", "most", "title",
    "title.raw", "title.ngram", "user.mail", "user.any",
)  # fmt: skip


def _denied(*globs: str, mapping=MAPPING) -> set[str]:
    limits = limits_on(mapping, Limits(fields=globs))
    return {name for name in NAMES if not limits.allows(name)}


def test_denies_aliases_and_parents_of_denied_field() -> None:
    assert _denied("*", "!secret") == {"secret", "secret.raw", "al", "raw", "over", "all", "all.exact", "more"}
    assert _denied("*", "!user.mail") == {"user.mail", "user.any"}
    assert _denied("*", "!title.raw") == {"title", "title.raw", "title.ngram"}


def test_denied_key_denies_flattened_field() -> None:
    for flat in ("flattened", "flat_object"):
        mapping = {"properties": {"labels": {"type": flat}, "other": {"type": flat}, "user": {"properties": {}}}}
        limits = limits_on(mapping, Limits(fields=("*", "!labels.token", "!user.mail")))
        assert not any(map(limits.allows, ("labels", "labels.token")))
        assert all(map(limits.allows, ("labels.env", "other", "other.token", "user")))


def test_allow_list_denies_other_fields() -> None:
    assert set(NAMES) - _denied("title", "fine", "al", "most") == {"title"}  # what they lead to is not allowed
    assert set(NAMES) - _denied("title", "fine", "open", "most") == {"title", "fine", "open", "most"}
    assert limits_on(MAPPING, Limits()) == Limits()


def test_considers_every_index() -> None:
    plain = {"mappings": {"properties": {"al": {"type": "keyword"}}}}
    alias = {"mappings": {"properties": {"al": {"type": "alias", "path": "secret"}}}}
    assert "al" in _denied("*", "!secret", mapping={"a": plain, "b": alias})
    assert "al" in _denied("*", "!secret", mapping={"a": alias, "b": plain})


def test_field_names_are_no_globs() -> None:
    mapping = {"properties": {"a[b]": {"type": "alias", "path": "secret"}}}
    limits = limits_on(mapping, Limits(fields=("*", "!secret")))
    assert not limits.allows("a[b]")
    assert limits.allows("ab")


@pytest.mark.parametrize("name", ["al", "all", "more", "over", "raw", "secret.raw"])
def test_pack_denies_fields_by_mapping(name: str) -> None:
    task = QueryDsl(Settings(guard=Limits(fields=("*", "!secret"))))
    example = Example(id="1", question="?", context={"mapping": MAPPING})
    for body in ('{"size":0,"query":{"match":{"%s":"x"}}}', '{"_source":false,"fields":["%s"]}'):
        problems = list(find_problems(task, example, Draft(answer=body % name)))
        assert {problem.code for problem in problems} == {"field_denied"}, problems
    assert not list(find_problems(task, example, Draft(answer='{"size":0,"query":{"match":{"fine":"x"}}}')))
