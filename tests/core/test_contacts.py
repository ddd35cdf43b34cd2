"""E-mail addresses and telephone numbers are left out, other values stay."""

from __future__ import annotations

import pytest

from dstill.io.contacts import without_contacts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("TEXT: ann.b+c@mail.example.org, Oslo …", "TEXT: (e-mail), Oslo …"),
        ("+45 20 30 40 50, +4520304050", "(telephone), (telephone)"),
        ("0049 30 1234567", "(telephone)"),
        ("020 7946 0958, (020) 7946 0958", "(telephone), (telephone)"),
    ],
)
def test_contacts_become_words(text: str, shown: str) -> None:
    assert without_contacts(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "DATE: 2025-01-10 to 2025-09-19",
        "09-12-2024, 01/02/2003",
        "2024-06-19T08:30:00, 12:30:11",
        "ip: 198.51.100.173, 10.0.0.1",
        "INTEGER: key; 0 to 59; 10.06 to 98.9; +1.5 to +27.3; 0012345",
        "as @home, #1, 9E, AA",
    ],
)
def test_other_values_stay(text: str) -> None:
    assert without_contacts(text) == text
