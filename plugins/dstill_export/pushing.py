"""Uploads a student and its data set to the Hugging Face hub.

    repositories = planned(run, student="acme/student", export=Path("mine"), dataset="acme/logs")     # sends nothing
    push(run, repositories)     # creates what does not exist, and makes one commit in each

In: an export that `dstill export` wrote, whose files are as it left them, and the rows of the run after the review. A
commit is made of all files or none. Files that the hub has already are not sent again, so the same call continues
after a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import SCHEMA_VERSION, SPLITS, Record
from dstill.errors import DataError, DstillError, Interrupted, RunError, UsageError, needs
from dstill.io.hub import connected, endpoint, hub_errors
from dstill.io.plain_files import inside, read_bounded, sha256
from dstill.io.secrets import looks_secret, redact
from dstill.io.shell import command
from dstill.io.strict_json import dumps, loads
from dstill.quality import review
from dstill.quality.data_drift import FILE as FIELDS
from dstill.runs.provenance import versions
from dstill.runs.review_log import decisions
from dstill_export.formats import FACTS
from dstill_export.hub_card import card_text, licence_for, scores_of

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Existing", "Repository", "existing", "planned", "push"]

STAGE = "push"
CARD = "README.md"
TEXTS = (".json", ".md", ".txt", ".jinja", ".jsonl")  # files that are searched for keys
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "merges.txt")  # their pieces of words may look like keys
MOST_SEARCHED = 64 * 2**20  # bytes of such a file


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One repository, and the files that it will get."""

    name: str  # OWNER/NAME
    kind: str  # model or dataset
    files: Mapping[str, Path | bytes]  # name there → a file here, or content
    licence: str  # empty: the card names none
    notes: Sequence[str] = field(default=())  # what its owner should know before it is public

    @property
    def where(self) -> str:
        """Its name in addresses."""
        return f"datasets/{self.name}" if self.kind == "dataset" else self.name

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of each file."""
        return {
            name: len(data) if isinstance(data, bytes) else data.stat().st_size for name, data in self.files.items()
        }

    def to_json(self) -> dict[str, Any]:
        """The object of --json about it."""
        return {
            "repository": self.name,
            "type": self.kind,
            "address": f"{endpoint()}/{self.where}",
            "licence": self.licence,
            "files": dict(self.sizes),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Existing:
    """A repository that is there already."""

    private: bool
    commit: str
    others: Sequence[str]  # its files that the upload does not have


def planned(
    run: Run,
    *,
    student: str = "",
    export: Path | None = None,
    dataset: str = "",
    licence: str = "",
    private: bool = False,
) -> list[Repository]:
    """The repositories to upload: the data set first, as the student's card links to it. Reads files, and asks nobody.

    `student`, `dataset`: OWNER/NAME; empty: not uploaded. `export`: the folder with the student. `licence`: where the
    base's files do not say it. Raises UsageError, RunError, and DataError for a key in a file.
    """
    with needs("uploading", "hub"):
        import huggingface_hub  # noqa: F401 - asks early: the card needs it
    for option, name in (("OWNER/NAME", student), ("--dataset", dataset)):
        if name and (name.count("/") != 1 or not all(name.split("/"))):
            raise UsageError(f"not a repository: {name}", where=option, hint="write OWNER/NAME")
    if not student and not dataset:
        raise UsageError(
            "nothing to upload", where="OWNER/NAME", hint="name a repository for the student, or --dataset"
        )
    if student and export is None:
        hint = f"export it first: {command('export', run.folder)} --to merged --out FOLDER; then add --export FOLDER"
        raise UsageError("which export?", where="--export", hint=hint)
    repositories = [_for_dataset(run, dataset)] if dataset else []
    if student and export is not None:
        facts = _export_of(run, export)
        licence = licence_for(facts["licence"], licence, private=private)
        repositories.append(_for_student(run, student, dataset, export, facts, licence))
    for repository in repositories:
        _refuse_keys(repository)
    return repositories


# --- what is uploaded -------------------------------------------------------------------


def _for_student(run: Run, name: str, dataset: str, folder: Path, facts: Mapping[str, Any], licence: str) -> Repository:
    """The files of an export, whose card becomes that of the repository."""
    scores = scores_of(run)
    readme = (folder / CARD).read_text(encoding="utf-8")
    text = card_text(readme, facts, repository=name, dataset=dataset, scores=scores, licence=licence)
    files = {file: folder / file for file in (*sorted(facts["sha256"]), FACTS) if file != CARD}
    notes = [] if scores else ["the student was not evaluated: its card has no scores"]
    if FIELDS in facts["sha256"]:
        notes.append(f"{FIELDS} names the fields that the student learnt, and the card has a question and its answer")
    if not licence:
        notes.append("the card names no licence: --licence ID sets one")
    notes += [
        f"{file} names a folder of this machine: {place}"
        for file, content in _texts({**files, CARD: text.encode()})
        for place in sorted({str(Path.home()), str(run.folder.absolute().parent)} - {"/"})
        if f"{place}/" in content
    ]
    return Repository(name=name, kind="model", files={CARD: text.encode(), **files}, licence=licence, notes=notes)


def _export_of(run: Run, folder: Path) -> Mapping[str, Any]:
    """The facts of the export in `folder`. Raises UsageError, and RunError if it is not of this student, or changed."""
    again = f"{command('export', run.folder)} --to merged --out FOLDER"
    try:
        facts = loads(read_bounded(folder / FACTS, MOST_SEARCHED).decode())
        digests = {name: str(digest) for name, digest in facts["sha256"].items()}
        training, *_ = facts["training"], facts["base"], facts["licence"], facts["task"], facts["run"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError("not a folder that `dstill export` wrote", where=f"--export {folder}", hint=again) from None
    if training != run.stages.get("train", {}).get("id"):
        raise RunError(f"the export is not of the student that run '{run.name}' has now", where=str(folder), hint=again)
    for name, digest in digests.items():
        file = inside(folder, name)
        if not file.is_file() or sha256(file) != digest:
            raise RunError(
                "a file of the export is gone, or has changed since it was compared with the student",
                where=str(file),
                hint=again,
            )
    return {**facts, "sha256": digests}


def _for_dataset(run: Run, name: str) -> Repository:
    """The rows after the review, with the card of the dataset."""
    records = {split: rows for split in SPLITS if (rows := run.records(split))}
    if not records:
        raise RunError("the run has no dataset", where=str(run.folder), hint=command("generate", "--out", run.folder))
    text = (run.folder / "dataset" / CARD).read_text(encoding="utf-8")
    before = [record for split in SPLITS for record in run.records(split, raw=True)]
    after = review.applied(before, decisions(run))
    if after.rejected or after.edited:
        text += (
            f"\nA person has reviewed rows: {after.rejected} were rejected and are not here, {after.edited} edited.\n"
        )
    files = {f"data/{split}.jsonl": b"".join(map(_line, rows)) for split, rows in records.items()}
    licence = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("license:")), "")
    notes = ["rows have questions, answers and what they are about: names and values of your data"]
    return Repository(name=name, kind="dataset", files={CARD: text.encode(), **files}, licence=licence, notes=notes)


def _line(record: Record) -> bytes:
    return redact(dumps({"schema_version": SCHEMA_VERSION, **record.to_row()})).encode() + b"\n"


def _refuse_keys(repository: Repository) -> None:
    """Raises DataError for the first line that looks like a key. Weights are not searched."""
    for name, text in _texts(repository.files):
        for number, line in enumerate(text.split("\n"), start=1):
            if looks_secret(line) or redact(line) != line:
                raise DataError(
                    "a line looks like a key or a password (not shown): nothing was uploaded",
                    where=f"{repository.where}: {name}:{number}",
                    hint=f"remove it: for a row, {command('data', 'review', 'RUN')} edits or rejects it"
                    if name.startswith("data/")
                    else "remove it, and export the student again",
                )


def _texts(files: Mapping[str, Path | bytes]) -> Iterator[tuple[str, str]]:
    for name, data in files.items():
        if not name.endswith(TEXTS) or name in VOCABULARIES:
            continue
        if isinstance(data, bytes) or data.stat().st_size <= MOST_SEARCHED:
            content = data if isinstance(data, bytes) else data.read_bytes()
            yield name, content.decode("utf-8", errors="replace")


# --- the hub ----------------------------------------------------------------------------


def existing(repositories: Sequence[Repository], *, private: bool) -> Mapping[str, Existing]:
    """Those that the hub has already, by `Repository.where`. Raises UsageError for a public one if `private`."""
    from huggingface_hub.errors import RepositoryNotFoundError

    api, files = connected("uploading", login=True), {}
    for repository in repositories:
        with hub_errors(repository.where):
            try:
                info = api.repo_info(repository.name, repo_type=repository.kind)
            except RepositoryNotFoundError:
                continue
        names = [file.rfilename for file in info.siblings or ()]
        others = [name for name in names if name not in repository.files and name != ".gitattributes"]
        files[repository.where] = Existing(private=bool(info.private), commit=str(info.sha), others=others)
        if private and not info.private:
            raise UsageError(
                f"{repository.where} exists and is public, so --private cannot hold",
                where="--private",
                hint="make it private in its settings on the hub, or name another repository",
            )
    return files


def push(run: Run, repositories: Sequence[Repository], *, private: bool = False, again: str = "") -> Mapping[str, Any]:
    """Upload. Returns the facts that run.json keeps: the commit in each repository.

    `again`: the command that continues. Raises ServiceError, AuthError, DataError, Interrupted; their hints say what is
    on the hub by then.
    """
    api = connected("uploading", login=True)
    with run.stage(STAGE) as facts:
        facts.update(endpoint=endpoint(), pushed={})
        for number, place in enumerate(repositories):
            run.progress("uploading", number, len(repositories), place.where)
            try:
                with hub_errors(place.where):
                    facts["pushed"][place.where] = _uploaded(api, run, place, private)
            except KeyboardInterrupt:
                raise Interrupted(f"stopped while uploading {place.where}", hint=_state(facts, place, again)) from None
            except DstillError as error:
                error.hint = f"{error.hint}; {_state(facts, place, again)}"
                raise
        run.progress("uploading", len(repositories), len(repositories))
    return facts


def _uploaded(api: Any, run: Run, repository: Repository, private: bool) -> dict[str, Any]:
    from huggingface_hub import CommitOperationAdd

    api.create_repo(repository.name, repo_type=repository.kind, private=private or None, exist_ok=True)
    files = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=data if isinstance(data, bytes) else os.fspath(data))
        for name, data in repository.files.items()
    ]
    message = f"Upload of run {run.name} by dstill {versions(run.plugins).get('dstill', '')}".strip()
    commit = api.create_commit(repository.name, files, commit_message=message, repo_type=repository.kind)
    return {
        "address": f"{endpoint()}/{repository.where}",
        "commit": commit.oid,
        "files": len(repository.files),
        "bytes": sum(repository.sizes.values()),
        "licence": repository.licence,
    }


def _state(facts: Mapping[str, Any], failed: Repository, again: str) -> str:
    """The state of the hub after a failure, and how to go on."""
    done = ", ".join(facts["pushed"])
    there = f"{done} {'is' if len(facts['pushed']) == 1 else 'are'} complete, " if done else ""
    return f"{there}{failed.where} has no new commit; to continue: {again}"
