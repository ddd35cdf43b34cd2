"""The folder of a linked student: weights in safetensors, and a JSON file with all that they depend on.

    model.safetensors   fp32; bf16; or int8, each matrix with one fp32 scale a row (``NAME.scale``)
    linked.json         {"schema_version": 1, "shape": {…}, "tokens": […], "features": […], "sha256": "…", …}

`read_model` (torch) and `read_scorer` (numpy) refuse weights that are damaged, of another version, or of another form.
Nothing is unpickled, and only regular files are read: no links, fifos or devices.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dstill.errors import DataError, RunError
from dstill.io.plain_files import regular, sha256
from dstill.io.typed_json import convert
from dstill_linked.shape import WEIGHTS, Shape
from dstill_torch.damage import damaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dstill.api.form import Form
    from dstill_linked.model import LinkedModel
    from dstill_linked.numpy_scorer import NumpyScorer

__all__ = [
    "FILE",
    "LinkedFacts",
    "quantized",
    "read_facts",
    "read_model",
    "read_scorer",
    "scorer_of",
    "shape_of",
    "write_student",
]

FILE = "linked.json"
SCHEMA_VERSION = 1
_SMALLEST = 1024  # numbers of a matrix that is worth quantizing
_MOST_FACTS = 2**24  # bytes of linked.json; 33 kB for the largest base
_MOST_HEADER = 2**20  # bytes of the header of a safetensors file; 100 kB for 48 layers of each kind
_SCALE = ".scale"
_RETRY = "copy it again, or train it again"
Size = Annotated[int, range(1, 2**20 + 1)]


@dataclass(frozen=True, kw_only=True)
class LinkedFacts:
    """The facts about a student for `read_model` and the generator."""

    schema_version: int = SCHEMA_VERSION
    student: str = "linked"
    shape: Mapping[str, Size]  # `dstill_linked.shape.Shape`
    tokens: Sequence[str]  # of the form
    features: Sequence[str]  # with a row of their own
    branches: Sequence[str]  # task prefixes: of answers, then of rationales
    modality: str
    seed: int
    max_length: Size
    max_target_length: Size
    threads: int = 0  # of the CPU; 0: torch's own choice
    base: str = ""  # what training started from: the folder of a student, or base:NAME; empty: nothing
    base_sha256: str = ""  # of its weights
    sha256: str = ""  # of the weights
    meanings_sha256: str = ""  # of the vectors of words that it was trained with
    unsure_below: float | None = None  # log-probability of an answer below which it is often wrong; None: not known
    known_errors: str = ""  # of a base: one line for users about what it gets wrong


def write_student(folder: Path, state: Mapping[str, Any], facts: LinkedFacts) -> None:
    """Write weights and facts."""
    from safetensors.torch import save_file

    from dstill_linked import meanings

    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().cpu().contiguous() for name, value in state.items()}, folder / WEIGHTS)
    row = asdict(replace(facts, sha256=sha256(folder / WEIGHTS), meanings_sha256=meanings.digest()))
    (folder / FILE).write_text(json.dumps(row, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_facts(folder: Path) -> LinkedFacts:
    """The facts of the student in `folder`. Raises DataError."""
    file = folder / FILE
    try:
        row = json.loads(_content(file, _MOST_FACTS).decode())
        version = convert(int, row["schema_version"])
        if version != SCHEMA_VERSION:
            raise DataError(
                f"the student has format version {version}, this dstill reads version {SCHEMA_VERSION}",
                where=str(file),
                hint="use the dstill that wrote it, or train it again",
            )
        facts: LinkedFacts = convert(LinkedFacts, row)
        return facts
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            "this is not a linked student that dstill wrote", where=f"{file}: {error}", hint=_RETRY
        ) from error


def read_model(folder: Path, form: Form) -> tuple[LinkedModel, LinkedFacts]:
    """The model in `folder`, in torch, for questions of `form`. Raises DataError."""
    import torch

    from dstill_linked.model import LinkedModel

    shape, weights, facts = _read(folder, form)
    model = LinkedModel(shape)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return model.eval(), facts


def read_scorer(folder: Path, form: Form) -> tuple[NumpyScorer, LinkedFacts]:
    """The model in `folder`, in numpy, for questions of `form`. Raises DataError."""
    from dstill_linked.numpy_scorer import NumpyScorer

    shape, weights, facts = _read(folder, form)
    return NumpyScorer(shape, weights), facts


def scorer_of(model: LinkedModel) -> NumpyScorer:
    """A model in numpy that answers as `model` does."""
    from dstill_linked.numpy_scorer import NumpyScorer

    return NumpyScorer(model.shape, {name: value.float().cpu().numpy() for name, value in model.state_dict().items()})


def _read(folder: Path, form: Form) -> tuple[Shape, dict[str, NDArray[np.float32]], LinkedFacts]:
    import numpy as np

    facts = read_facts(folder)
    _require_form(facts, form, folder)
    shape, file = shape_of(folder, facts), folder / WEIGHTS
    with damaged("the weights of the student are damaged", where=str(file), hint=_RETRY):
        content = _content(file, _MOST_HEADER + 4 * sum(math.prod(size) for _, size in shape.weights()))
        if hashlib.sha256(content).hexdigest() != facts.sha256:
            raise DataError(
                "the weights of the student are damaged",
                where=f"{file}: not those that {FILE} describes",
                hint=_RETRY,
            )
        weights = _floats(content)
        if {name: value.shape for name, value in weights.items()} != dict(shape.weights()):
            raise DataError(
                "the weights of the student are damaged",
                where=f"{file}: of other sizes than {FILE} describes",
                hint=_RETRY,
            )
        if endless := next((name for name, value in weights.items() if not np.isfinite(value).all()), ""):
            raise DataError(
                "the weights of the student are damaged",
                where=f"{file}: {endless} has numbers that are not finite",
                hint=_RETRY,
            )
    return shape, weights, facts


def _content(file: Path, most: int) -> bytes:
    """The bytes of a regular file. Raises DataError for anything else, and for a file of more than `most` bytes."""
    try:
        with open(file, "rb", opener=regular) as opened:
            content = opened.read(most + 1)
    except RunError as error:
        raise DataError(
            "a file of the student is a link, fifo, socket or device",
            where=str(file),
            hint="replace it with a copy of what it leads to",
        ) from error
    if len(content) > most:
        raise DataError(f"a file of the student has more than {most:,} bytes", where=str(file), hint=_RETRY)
    return content


def shape_of(folder: Path, facts: LinkedFacts) -> Shape:
    """The sizes of the student in `folder`. Raises DataError."""
    try:
        shape = Shape(**facts.shape)
    except TypeError as error:
        raise DataError(
            "the sizes of the student are damaged", where=f"{folder / FILE}: {error}", hint=_RETRY
        ) from error
    if shape.width % shape.heads:
        raise DataError(
            "the sizes of the student are damaged",
            where=f"{folder / FILE}: width {shape.width} is not a multiple of {shape.heads} heads",
            hint=_RETRY,
        )
    return shape


def _require_form(facts: LinkedFacts, form: Form, folder: Path) -> None:
    """Raises DataError if tokens or features are not those of `form`: numbers would mean something else."""
    from dstill_linked import meanings
    from dstill_linked.vocabulary import RELATIONS, Vocabulary

    now = Vocabulary.of(form)
    differing = [
        name
        for name, then, today in (
            ("tokens", tuple(facts.tokens), tuple(now.tokens)),
            ("features", tuple(facts.features), tuple(now.features)),
            ("sizes", [facts.shape.get(name) for name in ("tokens", "features", "relations")],
             [now.n_tokens, now.n_features, RELATIONS]),
            ("vectors of words", facts.meanings_sha256, meanings.digest()),
        )
        if then != today
    ]  # fmt: skip
    if differing:
        raise DataError(
            f"the student was trained for another form: its {' and '.join(differing)} differ from the task's",
            where=str(folder / FILE),
            hint="train it again, or use the task and the versions that it was trained with",
        )


def quantized(state: Mapping[str, Any]) -> dict[str, Any]:
    """Each large matrix as int8 with one scale a row: weight ≈ int8 · scale, rounded to nearest."""
    import torch

    arrays = {}
    for name, value in state.items():
        if value.ndim != 2 or value.numel() < _SMALLEST:
            arrays[name] = value
            continue
        scale = value.float().abs().amax(1).clamp(min=1e-12) / 127
        arrays[name] = (value.float() / scale[:, None]).round().to(torch.int8)
        arrays[name + _SCALE] = scale
    return arrays


def _floats(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The weights of a safetensors file in fp32. `safetensors.numpy` has no bf16, so its bytes are read here."""
    import numpy as np
    from safetensors import deserialize

    arrays: dict[str, NDArray[np.float32]] = {}
    for name, stored in deserialize(content):  # type: ignore[no-untyped-call]
        kind, data = stored["dtype"], stored["data"]
        if kind == "BF16":  # the upper half of an fp32
            value = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            value = np.frombuffer(data, {"F32": "<f4", "I8": "<i1"}[kind]).astype(np.float32, copy=False)
        arrays[name] = value.reshape(stored["shape"])
    scales = {name: arrays.pop(name) for name in [*arrays] if name.endswith(_SCALE)}
    for name, scale in scales.items():
        arrays[name.removesuffix(_SCALE)] *= scale[:, None]
    return arrays
