import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill_querydsl.language.guard.patterns import read


@pytest.mark.parametrize(
    "pattern",
    [
        ".*foo", ".+foo", ".?foo", ".{3}foo", "@foo", "~(foo)", "[^q]+foo", "[a-z]*foo", "[a-z]{2,}x", "[]a]+x",
        "[a-z]{1,1000}x", "(ab)+c", "(a|b)*c", "(foo|.*bar)", "foo|.*bar", "foo&.*bar", "((.*))foo", "..*foo", "a?.*b",
        "a*.*b", "()[^q]+", "(a|).*b", "[^q][^q]*foo", "(a?b?).*", '"".*', r"\w+foo", r"\D*x", ".?*x", "(.|a)*b",
        "(" * 900 + ".*",
    ],
)  # fmt: skip
def test_pattern_has_open_beginning(pattern: str) -> None:
    assert read(pattern).open


@pytest.mark.parametrize(
    "pattern",
    [
        "", "foo", "foo.*", "[Jj]ohn.*", "[0-9]{4}-.*", "[a-f0-9]{32}", "(foo|bar).*", "a+b", "a*b", "a?b.*", "foo|bar",
        r"\.*x", r"\*x", '".*"', '"ab".*', "<1-100>.*", "[.*]x.*", "(a[^b]*)c", "x(.*)", ".foo", "web-0[1-9].+",
    ],
)  # fmt: skip
def test_pattern_has_fixed_beginning(pattern: str) -> None:
    assert not read(pattern).open


@given(st.text(alphabet='ab.*+?{}1,()[]|^\\"<>-@~', max_size=40))
def test_no_pattern_raises(pattern: str) -> None:
    assert read(f"(x|.*{pattern}").open is True
    assert read(pattern).size >= 0


# --- size ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "states", "transitions"),
    [  # as OpenSearch 3.8 and Elasticsearch 9.2 gave them: "Determinizing automaton with 10001 states and 19801 …"
        ("(a{1,100}){1,100}", 10_001, 19_801),
        ("((a{1,10}){1,10}){1,10}", 1_001, 2_701),
        ("(a?){1000}", 1_001, 500_500),
        ("(a{0,100}b{0,100}){0,50}", 10_001, 34_502),
        ("u(.{0,20}a){20}", 422, 821),
        ("(<1-99999999>){100}", 8_100, 39_794),
        ("u.{0,10}a.{0,10}b", 24, 45),
    ],
)
def test_size_equals_lucene_automaton(pattern: str, states: int, transitions: int) -> None:
    found = read(pattern)
    assert found.states == pytest.approx(states, rel=0.1)
    assert found.transitions + found.first == pytest.approx(transitions, rel=0.1)


@pytest.mark.parametrize(
    "pattern",
    ["a{999999999}", "((a{1,100}){1,100}){1,100}", "x((a?){100}){100}", "(a{999}){0}b{9}(c?){150}", "x(a{99}&b{999})",
     "x~((a|b)*a(a|b){20})", "a{9999999999}", "[abc", '"abc', "(a", "a)", "a{1"],
)  # fmt: skip
def test_expanding_or_invalid_pattern_is_large(pattern: str) -> None:
    assert read(pattern).size > 10_000


@pytest.mark.parametrize("part", ["[", "(", '"', "~", "a{1}", "[\\]", "<1-2", "a|", "a&", "(a", "a?"])
def test_reads_long_pattern_once(part: str) -> None:
    """Calls are counted and not seconds: 30,000 opening brackets took 8.5 s when each was read to the end."""
    calls = 0

    def count(frame: object, event: str, called: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        read(part * 10_000)
    finally:
        sys.setprofile(None)
    assert calls < 60 * 10_000 * len(part)
