"""Signs that stick to words in questions are words of their own, so that values can be pointed to."""

import pytest

from dstill.linked import words


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("status=open", ["status", "=", "open"]),
        ("price>5 and size!=3", ["price", ">", "5", "and", "size", "!", "=", "3"]),
        ("x<=1,000", ["x", "<", "=", "1,000"]),
        ("near 51.93,-12.55", ["near", "51.93", ",", "-12.55"]),
        ("web*", ["web", "*"]),
        ("a@b.example on srv-01:80", ["a@b.example", "on", "srv-01:80"]),
    ],
)
def test_signs(question: str, expected: list[str]) -> None:
    assert [word.text for word in words(question)] == expected
