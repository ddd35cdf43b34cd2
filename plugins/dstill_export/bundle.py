"""The format `bundle`: the student with what answering needs, for `dstill predict` and `dstill serve` without torch.

    bundle.json  README.md  student/  data/         (`dstill.runs.bundle` reads it)

The weights of a linked student are copied; a student that reads text is converted for CTranslate2. Beside them are the
settings of the task, and copies of the files that describe the data. Nothing of the dataset is in it: no question, no
answer, and no store of training questions.

The gate opens the finished folder as `dstill predict` does, and asks it validation questions. Its own task makes the
prompts, and its own checks have to say of the answers what those of the run say.
"""

from __future__ import annotations

import json
import shutil
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.answering import steps
from dstill.api.records import Example, ModelInput
from dstill.api.student import Generator
from dstill.confidence.calibration import Calibration
from dstill.errors import UsageError
from dstill.factory import STUDENT, Setup
from dstill.quality import data_drift
from dstill.runs.bundle import Manifest, manifest_of, open_bundle
from dstill.runs.judgements import Judgements
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.predictor import Predictor
from dstill_export.card import card_of
from dstill_export.ctranslate2 import CTranslate2
from dstill_export.formats import RETRY_HINT, Format, ParitySample, Source, folder_size
from dstill_export.parity import Comparison, ParityError

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["LinkedBundle", "TextBundle"]

# Of a converted student, what `dstill_export.plain_tokenizer` and CTranslate2 read; other files name paths of training.
_FILES = ("model.bin", "config.json", "tokenizer.json", "prompts.json", "student.json")


class _BundleFormat(Format):
    name = "bundle"
    library = "dstill"
    on_cpu = True
    extra: ClassVar[str]  # that a machine needs to open it

    _run: Run  # set by `write`
    _bundle: Answerable  # set by `load`, as its student
    _student: Generator

    @abstractmethod
    def write_student(self, source: Source, folder: Path) -> dict[str, Any]:
        """Write the student to the new folder `folder`. Returns the settings that name its kind."""

    def calibration(self, run: Run, student: Generator) -> Calibration | None:
        """The calibration of the exported student's log-probabilities. Default: as of the run's."""
        return run.calibration()

    def splits(self, run: Run) -> Sequence[str]:
        return ["validation"] if run.records("validation") else ()

    def write(self, source: Source, folder: Path) -> None:
        from dstill_torch.saving import saving

        self._run = run = source.run
        with saving(folder, hint=RETRY_HINT):
            (folder / STUDENT).mkdir()
            student = self.write_student(source, folder / STUDENT)
            if (source.folder / data_drift.FILE).exists():
                shutil.copyfile(source.folder / data_drift.FILE, folder / STUDENT / data_drift.FILE)
            manifest_of(run, folder, student).write(folder)

    def add_other_files(self, source: Source, folder: Path) -> None:
        """None: what the others are is not known, and nothing of the dataset may be among them."""

    def load(self, folder: Path) -> Generator:
        self._bundle = open_bundle(folder, plugins=self._run.plugins, trusted=True)
        self._student = self._bundle.generator()
        return self._student

    def prompts(self, run: Run, examples: Sequence[Example]) -> list[ModelInput]:
        setup = self._bundle.setup
        return steps.prompts(setup.objective, setup.task, examples)

    def describe(self, source: Source, folder: Path, facts: Mapping[str, Any], trial: ParitySample) -> None:
        run = source.run
        _require_same_checks(run, self._bundle.setup, trial)
        card = card_of(self.library, facts, _usage(self.extra))
        (folder / "README.md").write_text(card, encoding="utf-8")
        manifest = replace(Manifest.read(folder), calibration=self.calibration(run, self._student))
        shown = {name: facts[name] for name in ("parity", "student", "exported", "batch", "device", "licence", "base")}
        replace(manifest, export=shown).write(folder)
        open_bundle(folder, plugins=run.plugins, trusted=True)


class LinkedBundle(_BundleFormat):
    """A linked student: its weights as they are, so its answers and its confidence are those of the run."""

    extra = "runtime"

    def disk_space(self, source: Source) -> int:
        return folder_size(source.folder)

    def write_student(self, source: Source, folder: Path) -> dict[str, Any]:
        from dstill_linked.saving import FILE, read_facts
        from dstill_linked.shape import WEIGHTS

        shutil.copyfile(source.folder / WEIGHTS, folder / WEIGHTS)
        facts = asdict(replace(read_facts(source.folder), base="", base_sha256=""))
        (folder / FILE).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return {"train.student": "linked", "student.linked.constrain": source.student.config.constrain}


class TextBundle(_BundleFormat):
    """A student that reads text, in 8 bits: its log-probabilities differ from the run's, so it is calibrated again."""

    min_parity = CTranslate2.min_parity
    extra = "runtime-text"
    _converted = CTranslate2()

    def check(self, source: Source) -> None:
        self._converted.check(source)
        if source.run.settings.evaluate.constrain:
            raise UsageError(
                "this student answers within a grammar, which CTranslate2 cannot",
                where="evaluate.constrain = true",
                hint="export it as it answers without one: --set evaluate.constrain=false",
            )

    def disk_space(self, source: Source) -> int:
        return self._converted.disk_space(source)

    def write_student(self, source: Source, folder: Path) -> dict[str, Any]:
        from dstill_export.plain_tokenizer import write_plain
        from dstill_finetune.adapter_loading import saved_tokenizer
        from dstill_finetune.student_metadata import Facts

        self._converted.write(source, folder)
        facts = replace(Facts.read(folder), base="")
        facts.write(folder)
        write_plain(saved_tokenizer(source.folder), facts, folder)
        for file in folder.iterdir():
            if file.name not in _FILES and not file.name.endswith("vocabulary.json"):
                file.unlink()
        return {"train.student": "ctranslate2"}

    def calibration(self, run: Run, student: Generator) -> Calibration | None:
        if run.calibration() is None:
            return None
        exported = replace(self._bundle, load=lambda _: student)
        with Predictor(exported) as predictor, run.setup.opened_executor(judging=True) as executor:
            judgements = Judgements(run, predictor, executor)  # those of people hold for answers that stayed the same
        return judgements.fit()


def _require_same_checks(run: Run, setup: Setup, trial: ParitySample) -> None:
    """Raises ParityError if the checks of the bundle say something else of an answer than those of the run."""
    pairs = [
        (example, steps.prediction_of(example, answer))
        for example, answer in zip(trial.examples, trial.answers, strict=True)
    ]
    here = steps.judge(run.plugins, run.task, pairs, run.objective, None)
    there = steps.judge(setup.plugins, setup.task, pairs, setup.objective, None)
    differing = [
        Comparison(example=e, evaluated=p.text, exported=p.text, same_by="no", reason=two.reason or exported.reason)
        for (e, p), exported, two in zip(pairs, here, there, strict=True)
        if (exported.reached, exported.refused, exported.problems) != (two.reached, two.refused, two.problems)
    ]
    if differing:
        raise ParityError(
            differing,
            what=f"the checks of the bundle say something else than those of the run of {len(differing)} of "
            f"{len(pairs)} answers: the export was deleted",
            where="--to bundle",
            hint="a setting or file of the task is missing in the bundle: in the pack, mark fields that name files "
            'which describe the data with {"describes": True}',
        )


def _usage(extra: str) -> list[str]:
    return [
        "## Use",
        "",
        f"    pip install 'dstill[{extra}]'",
        '    dstill predict FOLDER "QUESTION"',
        "    dstill serve FOLDER",
        "",
        "Give the folder of this file for FOLDER. The task's pack may need packages of its own, and an engine too.",
        "",
        "It has the weights, the settings of the task and its guard, what describes the data, and scores of judged "
        "answers for the confidence. It has nothing of the dataset.",
    ]
