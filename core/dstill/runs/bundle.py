"""A bundle: a trained student with what answering needs, in one folder, and nothing of what it was trained on.

    with Predictor(open_bundle("mine-bundle")) as answering: ...       # as with a run

    mine-bundle/
      bundle.json    settings of task and guard, contexts of the data, calibration, versions, the SHA-256 of each file
      student/       weights, and what the student learnt of its data; the tokenizer of one that reads text
      data/          files that describe the data, such as values.json
      README.md      the card

`dstill export --to bundle` writes it (`dstill_export.bundle`), and it is only read afterwards. All paths in it are
relative, so the folder can be moved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.records import Row
from dstill.api.values import BUNDLED
from dstill.confidence.calibration import Calibration
from dstill.config import Config
from dstill.errors import RunError
from dstill.factory import STUDENT, Setup
from dstill.io.files import reading
from dstill.io.inert import visible
from dstill.io.plain_files import inside, refuse_links, regular, sha256
from dstill.io.strict_json import loads
from dstill.plugins import Plugins
from dstill.quality import data_drift
from dstill.runs.provenance import versions
from dstill.stages.predict.answerable import Answerable
from dstill.teacher.purchase import Purchase
from dstill.trust import BUNDLE, is_bundle

if TYPE_CHECKING:
    from dstill.runs.contents import RunContents

__all__ = ["Manifest", "config_of", "manifest_of", "open_bundle", "open_trained"]

FORMAT = 1
DATA = "data"
MOST_BYTES = 64 * 2**20  # of bundle.json, which may have the schemas of many databases
MAX_DEPTH = 60  # nested objects and lists
# Settings that answering needs, besides the sections of the task, of its executors and of the objective.
ANSWERING = ("project.task", "project.seed", "train.objective", "evaluate.constrain", "engine.name", "engine.timeout")
KEPT_ROLES = (None, "limits", "reads")  # `dstill.trust`: settings of other roles reach outside of the folder
_RETRY = "copy it again, or export the run again"


@dataclass(frozen=True, kw_only=True)
class Manifest(Row):
    """bundle.json."""

    format: int = FORMAT
    name: str  # of the run
    task: str
    training: str = ""  # id of the training in run.json
    settings: Mapping[str, Any]  # by dotted key
    data: Mapping[str, str] = field(default_factory=dict)  # setting → its file in the bundle
    contexts: Mapping[str, Mapping[str, Any]]  # `RunContents.contexts`
    calibration: Calibration | None = None  # scores of judged answers, and whether each was right
    versions: Mapping[str, str]  # of the packages that the bundle was made with
    export: Mapping[str, Any] = field(default_factory=dict)  # what the parity check found
    files: Mapping[str, str] = field(default_factory=dict)  # name → SHA-256, of every file but this one

    @classmethod
    def read(cls, folder: Path) -> Self:
        """That of `folder`. Raises RunError if it is missing, damaged or newer than this dstill."""
        file = folder / BUNDLE
        try:
            with reading(file), open(file, "rb", opener=regular) as opened:
                text = opened.read(MOST_BYTES + 1)
            if len(text) > MOST_BYTES:
                raise ValueError(f"it is longer than {MOST_BYTES >> 20} MiB")
            row = loads(text.decode(), max_depth=MAX_DEPTH)
            version = row.get("format") if isinstance(row, dict) else None
            if isinstance(version, int) and version != FORMAT:
                raise RunError(
                    f"the bundle has format {version}, this dstill reads format {FORMAT}",
                    where=str(file),
                    hint="pip install --upgrade dstill" if version > FORMAT else "export the run again",
                )
            return cls.from_row(row)
        except ValueError as error:  # not UTF-8, not JSON, or of another form
            raise RunError(f"{file} is damaged: {error}", where=str(file), hint=_RETRY) from None

    def write(self, folder: Path) -> None:
        """Write it to `folder`, with the digests of the files that are there."""
        files = sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / BUNDLE)
        digests = {file.relative_to(folder).as_posix(): sha256(file) for file in files}
        text = json.dumps(replace(self, files=digests).to_row(), ensure_ascii=False, indent=1) + "\n"
        (folder / BUNDLE).write_text(text, encoding="utf-8")

    def require_files(self, folder: Path) -> None:
        """Raises RunError for a file that is missing or has changed."""
        for name, digest in self.files.items():
            file = inside(folder, name)
            if not file.is_file():
                raise RunError(f"the bundle lacks {name}", where=str(file), hint=_RETRY)
            if sha256(file) != digest:
                raise RunError(f"{name} has changed since the bundle was made", where=str(file), hint=_RETRY)


def open_bundle(
    folder: Path | str,
    *,
    flags: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
    trusted: bool = False,
) -> Answerable:
    """The student of the bundle in `folder`; `flags` override its settings.

    `trusted`: the caller allows what its settings ask for (`dstill.trust`). Raises RunError if a file is damaged or of
    another version, UsageError, ConfigError.
    """
    plugins = plugins or plugin_loading.load()
    plugins.require_healthy()
    folder = Path(folder)
    with reading(folder):
        refuse_links(folder)
    about = Manifest.read(folder)
    about.require_files(folder)
    plugins.task(about.task)  # raises UsageError with a hint
    setup = Setup(plugins, replace(config_of(folder, about, plugins, flags), trusted=trusted))
    as_calibrated = about.settings.get("evaluate.constrain", False) == setup.settings.evaluate.constrain
    return Answerable(
        name=visible(about.name, one_line=True),  # of the run that it was exported from
        setup=setup,
        load=lambda setup: setup.student.load(folder / STUDENT),
        contexts=lambda: about.contexts,
        folder=folder,
        calibration=lambda: about.calibration if as_calibrated else None,  # else it is of other answers
        learnt=lambda: data_drift.learnt_by(folder / STUDENT),
        purchase=partial(_purchase, about, folder),
    )


def _purchase(about: Manifest, folder: Path, use: str) -> Purchase:
    """Replies of large models are stored in the working folder, and nothing in the bundle."""
    from dstill.runs.folder import STORE

    buyer = f"{about.name} {about.training} {use}".strip()
    return Purchase(store=STORE, buyer=buyer, resume="", where=str(folder))


def config_of(folder: Path, about: Manifest, plugins: Plugins, flags: Mapping[str, Any] | None = None) -> Config:
    """The configuration of a bundle. Raises ConfigError, and RunError for a file outside of it."""
    files = {key: str(inside(folder.absolute(), file)) for key, file in about.data.items()}
    return configuration.load(
        folder / BUNDLE,
        values={**about.settings, **files},
        flags=flags,
        environment={},
        sections=plugin_loading.part_sections(plugins),
    )


def manifest_of(run: RunContents, folder: Path, student: Mapping[str, Any]) -> Manifest:
    """The manifest of a bundle of `run` in `folder`, to which the files that describe the data are copied.

    `student`: the settings that name its kind in the bundle. Raises UsageError if a file cannot be read.
    """
    settings, files = _settings_of(run.setup)
    return Manifest(
        name=run.name,
        task=run.task.name,
        training=run.stages.get("train", {}).get("id", ""),
        settings={**settings, **student},
        data={key: _copied(Path(file), key, folder) for key, file in files.items()},
        contexts=run.contexts,
        calibration=run.calibration(),
        versions=versions(run.plugins),
    )


def _settings_of(setup: Setup) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that answering needs, and those of them that name a file which describes the data.

    ``({"project.task": "toy", "task.toy.largest": 8, …}, {"task.toy.schema": "schema.txt"})``
    """
    executors = (f"executor.{name}" for name in setup.task.executors)
    sections = [f"task.{setup.task.name}", f"objective.{setup.settings.train.objective}", *executors]
    values, fields = setup.config.flat(sections), configuration.fields(setup.config, sections)
    keys = [key for key in values if key in ANSWERING or any(key.startswith(f"{section}.") for section in sections)]
    settings = {k: values[k] for k in keys if values[k] is not None and fields[k].metadata.get("trust") in KEPT_ROLES}
    files = {key: str(values[key]) for key in keys if values[key] and fields[key].metadata.get("describes")}
    packaged = {key: file for key, file in files.items() if file.startswith(BUNDLED)}  # they come with the pack
    files = {key: file for key, file in files.items() if key not in packaged}
    return settings | packaged | {"project.task": setup.task.name}, files


def _copied(file: Path, key: str, folder: Path) -> str:
    """Copy the file that the setting `key` names. Returns its name in the bundle."""
    name = f"{DATA}/{key.rpartition('.')[2]}{file.suffix}"
    with reading(file):
        content = file.read_bytes()
    (folder / DATA).mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def open_trained(
    name: Path | str, *, flags: Mapping[str, Any] | None = None, plugins: Plugins | None = None
) -> Answerable:
    """The student of the run of that name or path, or of the bundle in the folder `name`.

    Raises as `Run.open` and `open_bundle` do.
    """
    if is_bundle(Path(name)):
        return open_bundle(name, flags=flags, plugins=plugins)
    from dstill.runs.contents import RunContents

    return RunContents.open(name, flags=flags, plugins=plugins).answerable()
