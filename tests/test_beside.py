"""The reason in the table of docs/beside.md, from what the resolver says."""

from __future__ import annotations

import pytest
from tools.beside import reason

SEVERAL = """error: No solution found when resolving dependencies
  cause: Because llamafactory>=0.9.5 depends on one of:
             transformers>=4.55.0,<4.57.0
             transformers>4.57.0,<=5.6.0
         and dstill depends on llamafactory==0.9.5, we can conclude that dstill depends on one of:
             transformers>=4.55.0,<4.57.0
             transformers>4.57.0,<=5.6.0

         And because dstill depends on transformers>=5.20, we can conclude that your requirements are unsatisfiable.
"""
ONE = """Because optimum-onnx>=0.1.0 depends on transformers>=4.36,<4.58.0 and dstill depends on optimum-onnx==0.1.0, we
can conclude that dstill depends on transformers>=4.36,<4.58.0.
And because dstill depends on transformers>=5.20, we can conclude that your requirements are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("message", "program", "need"),
    [
        (SEVERAL, "llamafactory", "it needs `transformers>4.57.0,<=5.6.0`"),
        (ONE, "optimum-onnx", "it needs `transformers>=4.36,<4.58.0`"),
        ("the index\n does not answer", "trl", "the index does not answer"),
    ],
)
def test_reason_names_what_the_program_needs(message: str, program: str, need: str) -> None:
    assert reason(message, program) == need
