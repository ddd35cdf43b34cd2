"""What people say about answers, together: golds, answers that are wrong, and what they do not agree on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.boxes import Boxes

from dstill.errors import DataError
from dstill.inputs.feedback import Feedback, Opinion, append, opinions, read


def said(question: str, answer: str, verdict: str, correction: str | None = None, data: str = "") -> Feedback:
    row = {"question": question, "answer": answer, "verdict": verdict, "correction": correction, "data": data}
    return Feedback.from_row({"id": "f", "when": "2026", "model": "m", **row})


RIGHT = said("Say tea", '{"say":"tea"}', "right")


def opinion(*rows: Feedback) -> Opinion:
    (found,) = opinions(Boxes(), rows)
    return found


def test_right_answer_and_correction_are_golds() -> None:
    assert (opinion(RIGHT).gold, opinion(RIGHT).source) == ('{"say":"tea"}', "right")
    corrected = opinion(said("say tea!", '{"say":"t"}', "wrong", '{\n  "say": "tea"\n}'), RIGHT)
    assert (corrected.gold, corrected.source, corrected.disputed) == ('{"say":"tea"}', "corrected", False)
    assert corrected.wrong == {'{"say":"t"}'}


def test_wrong_answer_alone_has_no_gold() -> None:
    found = opinion(said("say tea", '{"say":"t"}', "wrong"), said("say tea", "", "wrong"))
    assert (found.gold, found.source, found.wrong, found.disputed) == (None, "wrong", {'{"say":"t"}'}, False)


@pytest.mark.parametrize(
    "other",
    [
        said("say tea", '{"say":"tea"}', "wrong"),
        said("say tea", '{"say":"green tea"}', "right"),
        said("say tea", "", "wrong", '{"say":"green tea"}'),
    ],
)
def test_people_who_disagree_give_no_gold(other: Feedback) -> None:
    for rows in ((RIGHT, other), (other, RIGHT), (RIGHT, RIGHT, RIGHT, other)):
        assert (opinion(*rows).gold, opinion(*rows).disputed) == (None, True)


def test_same_question_about_other_data_is_another_one() -> None:
    found = opinions(Boxes(), [RIGHT, said("say tea", '{"say":"tea"}', "wrong", data="cafe")])
    assert [(one.data, one.disputed) for one in found] == [("", False), ("cafe", False)]


def test_file_of_another_kind_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    append(file, RIGHT)
    append(file, RIGHT)
    assert read(file) == [RIGHT, RIGHT]
    with file.open("a") as opened:
        opened.write('{"question": "say tea", "verdict": "perhaps"}\n')
    with pytest.raises(DataError, match="line 3 is not feedback") as raised:
        read(file)
    assert raised.value.where == f"{file}:3"
