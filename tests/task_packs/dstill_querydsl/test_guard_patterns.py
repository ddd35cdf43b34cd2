import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill_querydsl.guard_patterns import read


@pytest.mark.parametrize(
    "pattern",
    [
        ".*foo", ".+foo", ".?foo", ".{3}foo", "@foo", "~(foo)", "[^q]+foo", "[a-z]*foo", "[a-z]{2,}x", "[]a]+x",
        "[a-z]{1,1000}x", "(ab)+c", "(a|b)*c", "(foo|.*bar)", "foo|.*bar", "foo&.*bar", "((.*))foo", "..*foo", "a?.*b",
        "a*.*b", "()[^q]+", "(a|).*b", "[^q][^q]*foo", "(a?b?).*", '"".*', r"\w+foo", r"\D*x", ".?*x", "(.|a)*b",
        "(" * 900 + ".*",
    ],
)  # fmt: skip
def test_an_open_beginning(pattern: str) -> None:
    assert read(pattern).open


@pytest.mark.parametrize(
    "pattern",
    [
        "", "foo", "foo.*", "[Jj]ohn.*", "[0-9]{4}-.*", "[a-f0-9]{32}", "(foo|bar).*", "a+b", "a*b", "a?b.*", "foo|bar",
        r"\.*x", r"\*x", '".*"', '"ab".*', "<1-100>.*", "[.*]x.*", "(a[^b]*)c", "x(.*)", ".foo", "web-0[1-9].+",
    ],
)  # fmt: skip
def test_a_beginning_that_is_given(pattern: str) -> None:
    assert not read(pattern).open


@given(st.text(alphabet='ab.*+?{}1,()[]|^\\"<>-@~', max_size=40))
def test_no_pattern_raises(pattern: str) -> None:
    assert read(f"(x|.*{pattern}").open is True
    assert read(pattern).size >= 0
