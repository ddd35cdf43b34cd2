"""run.json: its contents, and the checks of a file that somebody else may have written.

    read(Path("runs/a"))  →  {"schema_version": 1, "name": "a", "stages": {…}, "files": {…}, …}

The types below describe what dstill reads again. Stages of plugins, and values that are only written, may be any JSON.
"""

# No `from __future__ import annotations`: with it, a TypedDict does not know which of its keys are required.

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Never, NotRequired, TypedDict

from dstill.api.records import SCHEMA_VERSION, Score
from dstill.errors import DstillError, RunError
from dstill.io.files import reading
from dstill.io.plain_files import inside, regular
from dstill.io.strict_json import loads
from dstill.io.typed_json import Misfit, convert

__all__ = ["MANIFEST", "checked", "read"]

MANIFEST = "run.json"  # written last: a folder with it is a run
MOST_BYTES = 64 * 2**20  # a sweep of a thousand trials takes less than 1 MiB
MAX_DEPTH = 60  # nested objects and lists; those of dstill have ten

Nothing = dict[str, Never]
Count = Annotated[int, range(10**18)]
Positive = Annotated[int, range(1, 10**9)]
Metrics = dict[str, Score]
Splits = dict[
    Literal["train", "validation", "test", "test_unseen_templates", "test_unseen_data", "test_teacher", "test_written"],
    Metrics,
]


class File(TypedDict):
    rows: Count
    sha256: str
    provenance: NotRequired[list[str]]


class Tokens(TypedDict):
    prompt_tokens: Count
    completion_tokens: Count


class People(TypedDict):
    usd: float
    usd_per_hour: float
    seconds_per_row: float


class Cost(TypedDict):
    usd: float | None
    usd_per_row: float | None
    replies: Count
    tokens: Tokens
    replies_without_usage: Count
    annotators: People


class Origin(TypedDict):
    questions: str
    licence: str


class Generated(TypedDict):
    teacher: str
    questions: Count
    accepted: Count
    rejected: Count
    cost: NotRequired[Cost | Nothing]
    data: NotRequired[dict[str, Any]]
    origin: NotRequired[Origin]


class Step(TypedDict, total=False):
    step: float
    loss: float
    eval_loss: float


class Device(TypedDict):
    name: str
    free: Count
    total: Count


class Reason(TypedDict):
    modality: str
    memory_required: Count
    parts: dict[str, int]
    unfit_reason: str | None


class Review(TypedDict, total=False):
    message: str


class Trained(TypedDict):
    student: str
    objective: str
    modality: str
    steps: Count
    seconds: float
    training_seconds: float
    peak_memory: Count
    trained_parameters: Count
    all_parameters: Count
    id: NotRequired[str]
    history: NotRequired[list[Step]]
    device: NotRequired[Device]
    choice: NotRequired[list[Reason]]
    review: NotRequired[Review]
    services: NotRequired[dict[str, str]]


class Tracked(TypedDict):
    services: dict[str, str]  # → id of the run there


class Spread(TypedDict):
    p50: float
    p95: float
    n: NotRequired[Count]


class Unmeasured(TypedDict):
    p50: None


class Throughput(TypedDict):
    per_second: float | None


class Size(TypedDict, total=False):
    bytes: Count | None


class Cause(TypedDict):
    count: Count
    of: Annotated[int, range(1, 10**18)]
    low: float | None
    high: float | None
    examples: list[str]


class Ceiling(TypedDict):
    why: str
    scores: Splits


class AnswerCosts(TypedDict):
    questions: Count
    seconds_per_1000: float | None
    usd_per_1000: float | None
    usd: float | None
    prompt_tokens: Count | None
    completion_tokens: Count | None


class Answered(TypedDict):
    n: Count
    given: Count
    wrong: Count


class Separation(Answered):
    auroc: float | None
    aurc: float | None
    coverage: list[list[float]]


class ConfidenceFacts(TypedDict):
    why: str
    splits: NotRequired[dict[str, Separation]]


class Mixed(TypedDict):
    here: Count
    wrong_here: Count
    right: Count
    accuracy: float
    low: float
    high: float
    seconds: float | None
    usd_per_1000: float | None


class Cut(Mixed):
    max_wrong: float


class Share(Mixed):
    share: float


class Cascaded(TypedDict):
    n: Positive
    student: Mixed
    large: Mixed
    cuts: list[Cut]
    shares: list[Share]


class Judge(TypedDict):
    name: str
    distribution: str
    version: str
    sha256: NotRequired[str]  # of its source files


class Pack(TypedDict):
    name: str
    distribution: NotRequired[str]
    version: NotRequired[str]
    sha256: NotRequired[str]


class Evaluated(TypedDict):
    engine: str
    scores: dict[str, Splits]
    invalid: NotRequired[str]
    notes: NotRequired[list[str]]
    data: NotRequired[dict[str, Any]]
    categories: NotRequired[dict[str, Metrics]]
    by_data: NotRequired[dict[str, Metrics]]
    judged_by: list[Judge]
    packs: list[Pack]
    causes: NotRequired[dict[str, Cause]]
    latency: NotRequired[Spread | Unmeasured]
    throughput: NotRequired[Throughput]
    tokens: NotRequired[Spread | Unmeasured | Nothing]
    size: NotRequired[Size]
    costs: NotRequired[dict[str, AnswerCosts]]
    confidence: NotRequired[ConfidenceFacts]
    cascade: NotRequired[dict[str, dict[str, Cascaded]]]  # by model and split
    teacher: NotRequired[Ceiling]


Changes = TypedDict(
    "Changes", {"train.modality": str, "train.lora_alpha": Positive, "train.r": Positive}, total=False
)  # those that the report reads


class Measured(TypedDict):
    name: str
    value: float
    n: Count
    low: NotRequired[float | None]
    high: NotRequired[float | None]


class TrialFacts(TypedDict):
    name: str
    changes: Changes
    error: str
    accuracy: Measured | None
    steps: Count
    seconds: float
    peak_memory: Count
    trained_parameters: Count


class Swept(TypedDict):
    trials: list[TrialFacts]
    front: list[str]
    split: str
    rank: Positive


class Compared(TypedDict):
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    seeds: Count
    items: Count
    clusters: Count
    detectable: float | None
    distinguishable: bool


class Ablated(TypedDict):
    modality: str
    split: str
    arms: dict[str, list[TrialFacts]]
    comparisons: dict[str, Compared]


class Manifest(TypedDict):
    schema_version: Count
    name: str
    status: str
    created: str
    arguments: dict[str, Any]
    seed: Count
    versions: dict[str, str]
    plugins: NotRequired[list[dict[str, str]]]
    stages: dict[str, dict[str, Any]]
    files: dict[str, File]
    id: str
    chosen: NotRequired[list[str]]  # settings that somebody set; the others have their defaults


class StageForms(TypedDict, total=False):
    """The stages that dstill reads again; a run may have others, and ``evaluate on ENGINE`` is like ``evaluate``."""

    generate: Generated
    train: Trained
    evaluate: Evaluated
    track: Tracked
    sweep: Swept
    ablate: Ablated


def read(folder: Path) -> dict[str, Any]:
    """The manifest of the run in `folder`. Raises RunError when it is missing, damaged or of another version."""
    file = folder / MANIFEST
    try:
        with reading(file), open(file, "rb", opener=regular) as opened:
            text = opened.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise Misfit(f"is longer than {MOST_BYTES >> 20} MiB")
        manifest = loads(text.decode(), max_depth=MAX_DEPTH)
        if isinstance(manifest, dict) and isinstance(version := manifest.get("schema_version"), int):
            _refuse_other_version(version, folder)
        return checked(manifest, folder)
    except ValueError as error:  # not UTF-8, not JSON, or of another form
        raise RunError(
            f"{file} is damaged: {error}", where=str(file), hint="make the run again; replies are kept"
        ) from None


def _refuse_other_version(version: int, folder: Path) -> None:
    if version != SCHEMA_VERSION:
        raise RunError(
            f"run '{folder.name}' has schema version {version}, this dstill knows {SCHEMA_VERSION}",
            where=str(folder / MANIFEST),
            hint="pip install --upgrade dstill",
        )


def checked(manifest: Any, folder: Path) -> dict[str, Any]:
    """`manifest`, if it is a valid one. Raises Misfit."""
    row: dict[str, Any] = convert(Manifest, manifest)
    for name, facts in row["stages"].items():
        _checked_stage(name, facts)
    for name in row["files"]:
        _plain_name(name, "files", folder)
    try:
        datetime.fromisoformat(row["created"]).timestamp()
    except (ValueError, OverflowError) as error:
        raise Misfit(f"is not a time: {error}", ("created",)) from None
    return row


def _checked_stage(name: str, facts: Mapping[str, Any]) -> None:
    form = StageForms.__annotations__.get(name.partition(" on ")[0])
    if form is None:
        return
    try:
        convert(form, facts)
    except Misfit as error:
        raise error.at(name).at("stages") from None
    if name == "sweep":
        _with_accuracy(facts["trials"], ("stages", name, "trials"), or_error=True)
    if name == "ablate":
        for arm, trials in facts["arms"].items():
            _with_accuracy(trials, ("stages", name, "arms", arm), or_error=False)
    scores = facts.get("scores")
    if scores and not scores.get("student"):
        raise Misfit("has no scores of the student", ("stages", name, "scores"))
    for system in scores or ():
        if "/" in system and ":" not in system:  # a model's name has one; file names do not (`folder.system_file`)
            raise Misfit("has a system with a slash in its name", ("stages", name, "scores"))


def _with_accuracy(trials: list[dict[str, Any]], place: tuple[str, ...], *, or_error: bool) -> None:
    if not trials:
        raise Misfit("has no trials", place)
    for trial in trials:
        if trial["accuracy"] is None and not (or_error and trial["error"]):
            raise Misfit(f"has a trial without an accuracy{' or error' if or_error else ''}", place)


def _plain_name(name: str, place: str, folder: Path) -> None:
    try:
        inside(folder, name)
    except DstillError as error:
        raise Misfit(f"has a file outside the run: {error.what}", (place,)) from None
