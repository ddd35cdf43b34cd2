"""The formats of linked students, which only dstill and the task's pack can read.

    merged   model.safetensors (fp32)  linked.json
    int8     model.safetensors (8-bit integers, one scale a row)  linked.json

Other formats are for models that read text. `--student linked:FOLDER` trains on from an exported folder, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dstill.api.records import ModelInput
from dstill.api.student import Generator
from dstill_export.formats import RETRY_HINT, Format, Source, folder_size

if TYPE_CHECKING:
    from dstill_finetune.student_metadata import Facts
    from dstill_linked.student import LinkedStudent

__all__ = ["LinkedInt8", "LinkedMerged", "facts_of"]

_CONTEXT = 2_000  # characters of a context that example code repeats


class LinkedMerged(Format):
    """The whole student in fp32."""

    name = "merged"
    library = "dstill"
    quantize = False

    def __init__(self, student: LinkedStudent) -> None:
        self.student = student

    def disk_space(self, source: Source) -> int:
        return folder_size(source.folder)

    def write(self, source: Source, folder: Path) -> None:
        from dstill_linked.saving import quantized, read_model, write_student
        from dstill_torch.saving import saving

        model, facts = read_model(source.folder, self.student.form)
        state = model.state_dict()
        with saving(folder, hint=RETRY_HINT):
            write_student(folder, quantized(state) if self.quantize else state, replace(facts, base="", base_sha256=""))

    def load(self, folder: Path) -> Generator:
        return self.student.load(folder)

    def example_code(self, source: Source, folder: Path, question: ModelInput) -> str:
        example = question.example
        context = repr(dict(example.context))
        return "\n".join(
            [
                "from pathlib import Path",
                "",
                "from dstill.api import Example, Linked, ModelInput",
                "from dstill.plugins import load",
                "from dstill_linked.generation import LinkedGenerator",
                "from dstill_linked.saving import read_scorer",
                "",
                'task = load().task("TASK")()  # the task above, with the settings of the run',
                "form = Linked.of(task).form()",
                'scorer, facts = read_scorer(Path("."), form)',
                f"example = Example(id='1', question={example.question!r},",
                f"                  context={context if len(context) <= _CONTEXT else '…'})",
                f"question = ModelInput(text={question.text.partition(chr(10))[0]!r}, example=example)",
                "print(next(LinkedGenerator(scorer, form, facts).generate([question])).text)",
                "",
            ]
        )


class LinkedInt8(LinkedMerged):
    """The whole student in 8 bits: about a quarter of the size."""

    name = "int8"
    min_parity = 0.9
    quantize = True


def facts_of(folder: Path) -> Facts:
    """The metadata of a linked student in the form of the others. Raises DataError."""
    from dstill_finetune.student_metadata import Facts
    from dstill_linked.saving import read_facts

    facts = read_facts(folder)
    return Facts(
        student=facts.student,
        base=facts.base,
        modality=facts.modality,
        adapter=False,
        four_bit=False,
        encoder_decoder=True,
        new_tokens=(),
        seed=facts.seed,
        max_length=facts.max_length,
        max_target_length=facts.max_target_length,
        threads=facts.threads,
    )
