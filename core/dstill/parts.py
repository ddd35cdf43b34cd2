"""The parts that plugins bring: teachers, students, modalities, objectives, executors, metrics.

A part is a *class* with a ``name`` and a ``Config`` dataclass. Plugins yield the class
from a registration hook; the runtime makes the object when a run needs it, with its
own section of dstill.toml (``[teacher.openai]``, ``[modality.lora]``, ``[executor.http]`` …)
read into that ``Config`` and checked like the core's own keys.

    class Shout(Teacher):
        name = "shout"

        async def ask(self, prompt: Prompt) -> Reply:
            return Reply(id=prompt.example.id, text=prompt.example.question.upper())

One abstract method a role where that is possible; defaults for the rest. Memory is in
bytes, time in seconds, everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    ClassVar,
    Iterable,
    Iterator,
    Literal,
    Mapping,
    Self,
    Sequence,
    final,
)

from dstill.errors import DstillError, UsageError
from dstill.faults import PASSING, about, fault
from dstill.gate import Gate
from dstill.records import (
    Draft,
    Example,
    Grammar,
    Outcome,
    OutcomeKind,
    Pair,
    Price,
    Prompt,
    Record,
    Reply,
    Score,
    Verdict,
)
from dstill.units import size

if TYPE_CHECKING:
    from dstill.task import Task

__all__ = [
    "Batch",
    "BatchState",
    "BatchTeacher",
    "Change",
    "CheckResult",
    "Choice",
    "Closeness",
    "Device",
    "Engine",
    "Executor",
    "Fitted",
    "Kept",
    "Memory",
    "Metric",
    "Modality",
    "NoConfig",
    "Objective",
    "Part",
    "ProjectFiles",
    "Reason",
    "Recipe",
    "Shape",
    "Student",
    "Teacher",
    "TrainingJob",
    "Writer",
    "Written",
]


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    """For parts that have nothing to set."""


class Part:
    """A named class that plugins register; see the module's docstring."""

    name: ClassVar[str]
    Config: ClassVar[type[Any]] = NoConfig

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config


# --- teaching ---------------------------------------------------------------------------


class Teacher(Part, ABC):
    """Writes rationale and answer for a question.

    Used as an async context manager around all the asking of one stage, so that a
    connection pool lives just as long.
    """

    paid: ClassVar[bool] = False  # replies cost money: each is committed by itself, at once
    # Says only what was there already (golds, a file of answers): no model's words, which a person should see first
    # and which asking again could change.
    repeats: ClassVar[bool] = False
    manners: ClassVar[frozenset[str]] = frozenset()  # keys of its Config that change how it is asked, not what it says
    reply_tokens: int = 0  # of one reply, at most: for caps
    price: Price | None = None  # None: not known
    price_hint: ClassVar[str] = "set another cap"  # how to tell it
    # Structured outputs: as a schema; as one where the endpoint takes it; not at all. The runtime sets it.
    json_mode: Literal["auto", "schema", "off"] = "auto"
    task: Task

    @property
    def label(self) -> str:
        """Who answers, as costs name it."""
        return f"teacher '{self.name}'"

    def open(self, task: Task) -> Self:
        """Make ready to answer for `task`. Raises ConfigError where a key or file is missing."""
        self.task = task
        return self

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """What, beside the messages, decides the reply: endpoint, model, parameters.

        The reply store's key is a hash over this and the messages: whatever changes the
        words sent changes the key, nothing else does. Holds no secret.
        """
        return {"teacher": self.name}

    def sent(self, prompt: Prompt) -> Prompt:
        """`prompt` as it goes out: what caps reckon with, and a dry run shows. The key is of `prompt` itself."""
        return prompt

    @abstractmethod
    async def ask(self, prompt: Prompt) -> Reply:
        """One reply. Raises ServiceError (worth another try), AuthError or DataError (not)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """How far a batch is."""

    ended: bool
    answered: int = 0
    total: int = 0  # 0: the endpoint did not say
    problem: DstillError | None = None  # why what has no answer in an ended batch has none


class BatchTeacher(Teacher):
    """A teacher that also answers in batches: submitted, left alone, and collected when they have ended.

    What the teacher keeps with a batch is its digest, by which `find_batch` knows it again.
    """

    batch_requests: ClassVar[int] = 50_000  # of one batch, at most
    batch_bytes: ClassVar[int] = 200_000_000  # of all its lines
    batch_poll: float = 30.0  # seconds between two looks

    @abstractmethod
    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """One request as a line of the file that is submitted; `key` comes back with its answer."""

    @abstractmethod
    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        """Submit, once, and return the batch's id there. Raises as `ask` does."""

    @abstractmethod
    async def find_batch(self, digest: str) -> str:
        """The id of the batch that was submitted under `digest`; empty: there is none."""

    @abstractmethod
    async def look_at_batch(self, id: str) -> BatchState:
        """How far it is."""

    @abstractmethod
    def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        """What an ended batch came to, by key, in any order; the id of a reply is left to the caller."""


# --- training ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Device:
    """Where training happens, or would happen (``plan --vram``)."""

    name: str
    kind: Literal["cpu", "cuda"]
    total: int  # bytes
    free: int  # bytes free now; of a machine that is not this one: its total
    bf16: bool = False
    here: bool = True  # False: only planned for


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: the ``[train]`` section. Names are transformers' and peft's own."""

    student: str = field(
        default="tiny",
        metadata={"help": "kind of student, kind:base as hf:google/flan-t5-small, or FILE.gguf", "trust": "student"},
    )
    objective: str = field(default="dss", metadata={"help": "what the student learns"})
    modality: str = field(default="auto", metadata={"help": "full, lora, qlora …, or auto: by the memory at hand"})
    policy: Literal["fullest", "seed"] = field(
        default="fullest", metadata={"help": "auto: the fullest that fits, or the seed recipe (QLoRA below 40 GB)"}
    )
    alpha: float = field(
        default=0.5, metadata={"low": 0, "high": 1, "help": "weight of the label branch in dss; 1 - alpha: rationale"}
    )
    task_prefix: Literal["encoder", "decoder"] = field(
        default="encoder",
        metadata={
            "help": "where the task word stands. encoder: before the question, as published; decoder: where the answer "
            "begins, so that the question is computed once for all branches"
        },
    )
    learning_rate: float = field(default=5e-5, metadata={"low": 1e-9, "high": 10})
    per_device_train_batch_size: int = field(default=2, metadata={"low": 1, "high": 65536})
    gradient_accumulation_steps: int = field(default=1, metadata={"low": 1, "high": 65536})
    num_train_epochs: float = field(default=3.0, metadata={"low": 0, "high": 100000})
    max_steps: int = field(
        default=-1, metadata={"low": -1, "high": 10**9, "help": "optimizer steps; below 1: by epochs"}
    )
    max_seconds: float = field(default=0.0, metadata={"low": 0, "help": "stop after this much training; 0: no limit"})
    warmup_ratio: float = field(default=0.03, metadata={"low": 0, "high": 1})
    weight_decay: float = field(default=0.0, metadata={"low": 0, "high": 10})
    max_length: int = field(default=1024, metadata={"low": 8, "high": 1 << 20, "help": "tokens of the source"})
    max_target_length: int = field(default=512, metadata={"low": 8, "high": 1 << 20, "help": "tokens of a target"})
    gradient_checkpointing: bool = False
    torch_compile: bool = field(default=False, metadata={"help": "compile the model; needs a C++ compiler on a CPU"})
    optim: Literal["adamw_torch", "adamw_torch_fused"] = field(
        default="adamw_torch", metadata={"help": "the optimizer; fused is quicker, and off unless asked for"}
    )
    auto_find_batch_size: bool = field(
        default=False, metadata={"help": "out of memory: halve the batch, double the accumulation, begin again"}
    )
    save_steps: int = field(
        default=0, metadata={"low": 0, "high": 10**9, "help": "steps between checkpoints; 0: five over the training"}
    )
    save_total_limit: int = field(default=2, metadata={"low": 1, "high": 1000, "help": "checkpoints that are kept"})
    eval_steps: int = field(
        default=0, metadata={"low": 0, "high": 10**9, "help": "steps between looks at the validation set; 0: by itself"}
    )
    early_stopping: Literal["none", "loss", "accuracy"] = field(
        default="none",
        metadata={"help": "stop when the validation loss, or the accuracy of a sample's answers, is no better"},
    )
    early_stopping_patience: int = field(
        default=3, metadata={"low": 1, "high": 1000, "help": "looks without a better one before it stops"}
    )
    early_stopping_sample: int = field(
        default=64, metadata={"low": 1, "high": 100_000, "help": "validation questions that accuracy is taken from"}
    )
    precision: Literal["auto", "fp32", "bf16"] = field(
        default="auto", metadata={"help": "auto: bf16 on a GPU that has it, else fp32; fp16 is never used"}
    )
    r: int = field(default=16, metadata={"low": 1, "high": 4096, "help": "LoRA rank"})
    lora_alpha: int = field(default=64, metadata={"low": 1, "high": 65536, "help": "recipe: 4 x r"})
    lora_dropout: float = field(default=0.1, metadata={"low": 0, "high": 1})
    target_modules: str = field(
        default="attention", metadata={"help": "attention (q and v projections), all-linear, or names with commas"}
    )
    probe: bool = field(
        default=True, metadata={"help": "before the first step, try the longest batch and hold it against the plan"}
    )
    threads: int = field(default=0, metadata={"low": 0, "high": 4096, "help": "CPU threads; 0: torch's own choice"})
    report_to: str = field(
        default="auto",
        metadata={
            "help": "auto: TensorBoard where installed; none; or names of transformers' report_to, with commas",
            "trust": "services",
        },
    )

    def on(self, device: Device) -> Recipe:
        """The recipe with ``precision`` settled for `device`: bf16 on a GPU that has it, else fp32.

        A CPU trains in bf16 only when asked: in fp32 the same seed gives the same weights on every one.
        """
        if self.precision != "auto":
            return self
        return replace(self, precision="bf16" if device.bf16 and device.kind == "cuda" else "fp32")


@dataclass(frozen=True)
class Kept:
    """Bytes that autograd keeps of one sequence: S tokens read and, by an encoder–decoder, T written."""

    read: float  # for each of the S
    read_pairs: float = 0.0  # S²
    written: float = 0.0  # T
    written_pairs: float = 0.0  # T²
    across: float = 0.0  # S, in what writes
    across_pairs: float = 0.0  # S · T


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The largest batch of a dataset, as a student sees it in one forward pass."""

    read: tuple[int, int]  # sequences, and tokens of each with their padding
    written: tuple[int, int] = (0, 0)  # likewise, by an encoder–decoder
    learnt: int  # tokens with a label
    new_tokens: int = 0  # rows that the embedding gets anew


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A student as a planner sees it: counts from its configuration, no weights read."""

    architecture: str  # transformers' class name
    parameters: int
    embedding: int  # parameters outside the linear layers that 4-bit quantizes
    linears: Mapping[str, tuple[int, int, int]]  # module name → (inputs, outputs, how many), where an adapter can go
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    vocabulary: int
    encoder_decoder: bool
    bytes_per_parameter: int = 4  # of the weights as they will be loaded
    # ("full" or "frozen", bytes of an activation) → what is kept; None where it cannot be counted
    kept: Callable[[str, int], Kept | None] = field(default=lambda how, wide: None, compare=False, repr=False)
    batch: Batch | None = None  # where there is a dataset; None: by the recipe's limits
    tied: bool = True  # the head is the embedding
    unadapted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)  # linear layers that no adapter goes on


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes by component: weights, gradients, optimizer, activations, logits …"""

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.parts.values())


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What was found about one modality."""

    modality: str
    fullness: float
    need: Memory
    unfit: str = ""  # why it cannot be used; empty: it fits


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The modality taken, with every reason."""

    modality: str
    reasons: tuple[Reason, ...]


class Modality(Part, ABC):
    """A way to fine-tune: which weights move, and in what form the others lie in memory."""

    fullness: ClassVar[float]  # full 100, lora 60, qlora 30; automatic choice takes the fullest that fits
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of the recipe that change nothing here, as "lora_alpha"

    @abstractmethod
    def need(self, student: Shape, recipe: Recipe) -> Memory:
        """Peak bytes of one training step, above what the process held before."""

    def unfit(self, student: Shape, recipe: Recipe, device: Device) -> str | None:
        """Why it cannot be used on `device`, or None when it can."""
        need = self.need(student, recipe).total
        if need > device.free:
            return f"needs {size(need)}, {size(device.free)} free"
        return None

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        """Arguments for ``from_pretrained``: how the base's weights are to be loaded."""
        return {}

    @abstractmethod
    def prepare(self, model: Any, recipe: Recipe) -> Any:
        """The loaded `model` with just the intended weights trainable."""


class Objective(Part, ABC):
    """What a student learns from a record, and how its answer is read back."""

    # Share of the label's loss where there are two branches; the runtime sets it to ``train.alpha``.
    alpha: float = 0.5
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of the recipe that change nothing here, as "alpha"

    @abstractmethod
    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        """The sequences of one record, all in one forward pass; weights sum to 1.

        The first is the one that the trained student is asked for: `prompt` gives its beginning.
        """

    def prompt(self, source: str) -> str:
        """What the trained student is given for `source` (`Task.source`)."""
        return f"predict: {source}"

    def explanation(self, source: str) -> str | None:
        """What the trained student is given to say why; None, the default: it learnt no reasons apart."""
        return None

    def read(self, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
        """What the student wrote, taken apart. Default: the text is the answer itself."""
        return Draft(answer=text.strip()) if text.strip() else None

    def grammar(self, task: Task, example: Example) -> Grammar | None:
        """What the trained student may write for `example`. Default: an answer of the task, and nothing else."""
        return task.grammar(example)


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Everything that `Student.fit` needs."""

    train: Sequence[tuple[Pair, ...]]  # one tuple a record
    validation: Sequence[tuple[Pair, ...]]
    modality: Modality
    recipe: Recipe
    device: Device
    folder: Path  # the student's: adapter or weights, tokenizer, model card
    seed: int
    card: Mapping[str, Any] = field(default_factory=dict)  # facts for the model card
    # told of each step; KeyboardInterrupt from it asks to stop, as Ctrl-C does
    on_step: Callable[[int, int, Mapping[str, float]], None] = lambda step, steps, values: None
    checkpoints: Path | None = None  # where to keep them; None: none are kept
    allow_changed: bool = False  # go on from a checkpoint of other settings
    score: Callable[[Writer], float] | None = None  # accuracy of a student in training, for early stopping
    events: Path | None = None  # where TensorBoard's files go; None: none are written


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What training came to."""

    steps: int
    seconds: float
    history: tuple[Mapping[str, float], ...]  # step, loss, eval_loss, learning_rate …
    peak_memory: int  # bytes above what the process held before the model was loaded
    trained_parameters: int
    all_parameters: int
    probe: Mapping[str, float] = field(default_factory=dict)  # predicted, measured (bytes) and error; empty: none
    best_step: int | None = None  # whose weights were taken, where early stopping chose; None: the last
    tokens_seen: int | None = None  # padding not counted; None: not measured, as of a student without tokens
    rows_per_second: float | None = None  # records, evaluations included
    left_out: int = 0  # training records that were longer than the limits


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a student wrote for one source."""

    text: str
    tokens: int
    seconds: float
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class Closeness:
    """How near a source is to those of training."""

    value: float  # 0: nothing in common; 1: it was one of them
    far: float  # below it an answer is not to be expected


class Writer(ABC):
    """A student ready to write."""

    @abstractmethod
    def write(self, sources: Sequence[str]) -> Iterator[Written]:
        """Greedy answers, in the order of `sources`."""

    def write_within(self, sources: Sequence[str], grammars: Sequence[Grammar | None]) -> Iterator[Written]:
        """`write`, each answer within its grammar; None: as it comes. Raises UsageError where it cannot."""
        raise UsageError(
            "this student cannot be held to a grammar",
            where="evaluate.constrain = true",
            hint="set it to false; tiny and hf can",
        )

    def sample(
        self,
        sources: Sequence[str],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Written, ...]]:
        """`n` answers to each source that are drawn, not greedy, each within its grammar where there are any.

        The same arguments give the same answers. Raises UsageError where it cannot draw.
        """
        raise UsageError(
            "this student cannot draw several answers to one question",
            where="--num-samples",
            hint="leave it out; tiny and hf can",
        )

    def closeness(self, sources: Sequence[str]) -> list[Closeness]:
        """How near each source is to what this student was fitted on; empty where it does not know."""
        return []

    def count(self, sources: Sequence[str]) -> list[int]:
        """How many tokens it reads of each source; empty where it does not count."""
        return []


class Student(Part, ABC):
    """A small model that can be fitted to pairs and then writes answers."""

    # Endings of files that name a student of this kind by themselves: ``--student models/small.gguf``
    suffixes: ClassVar[tuple[str, ...]] = ()
    base: str = ""  # the folder, file or id after "hf:" in ``--student hf:google/flan-t5-small``

    @abstractmethod
    def shape(self, texts: Iterable[str] = ()) -> Shape:
        """Counts for the planner. `texts` are the dataset's, where a vocabulary is learnt from them."""

    def largest_batch(self, train: Sequence[tuple[Pair, ...]], recipe: Recipe) -> Batch | None:
        """What the largest batch of `train` holds, for the planner; None: not known before training."""
        return None

    @abstractmethod
    def fit(self, job: TrainingJob) -> Fitted:
        """Train and leave a complete student in ``job.folder``. Raises TrainingError, DataError."""

    def reads(self, folder: Path) -> Sequence[str]:
        """The models that `load` of the student in `folder` opens beside it: folders, files or hub ids.

        Those outside of the run are opened only after a word of the user's (`dstill.trust`).
        """
        return ()

    @abstractmethod
    def load(self, folder: Path, *, trained: bool = True) -> Writer:
        """The student of a run; with ``trained=False`` as it was before its first step."""


# --- evaluation -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How an executor reaches what runs answers: the ``[engine]`` section."""

    name: str = field(default="", metadata={"help": "the executor; empty: the task's first, or by url"})
    url: str = field(
        default="", metadata={"help": "a server of your own; empty: the embedded default", "trust": "address"}
    )
    index: str = field(default="", metadata={"help": "index, alias or data stream; empty: the example's own"})
    api_key_env: str = field(
        default="", metadata={"help": "environment variable that holds an API key", "trust": "variable"}
    )
    api_key_file: str = field(
        default="", metadata={"help": "file that holds it instead, readable by you alone", "trust": "key file"}
    )
    basic_auth_env: str = field(
        default="", metadata={"help": "environment variable that holds user:password", "trust": "variable"}
    )
    ca_certs: str = field(
        default="", metadata={"help": "file of the CA that signed the server's certificate", "trust": "ca file"}
    )
    ca_fingerprint: str = field(default="", metadata={"help": "SHA-256 of that CA, instead of the file", "trust": "ca"})
    allow_pattern: bool = field(default=False, metadata={"help": "let index hold a *, as logs-*"})
    load_data: bool = field(
        default=False, metadata={"help": "write the task's own data to the server, to indices made for it"}
    )
    timeout: float = field(default=30.0, metadata={"low": 0.1, "high": 3600, "help": "seconds a request"})


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One thing that an executor found out about its engine, for `dstill doctor`."""

    name: str
    found: str = ""  # what the engine said or answered; of what was not checked: why not
    expected: str = ""  # the known answer, as `found` would have it; empty: a fact to tell, no check
    problem: DstillError | None = None  # what is wrong, and with which exit code `doctor` ends
    checked: bool = True  # False: it could not be asked here
    advice: str = ""  # what to do although nothing is wrong, in as many lines as it takes


@dataclass(frozen=True, kw_only=True)
class ProjectFiles:
    """What `dstill init` writes for data of the user's own, beside what it always writes."""

    files: Mapping[str, str]  # name in the project's folder → text
    settings: Mapping[str, Any]  # by dotted key, for dstill.toml; never a secret
    recipe: Mapping[str, Any] = field(default_factory=dict)  # likewise, for a student that begins from nothing
    about: tuple[str, ...] = ()  # lines for a person: what was read, and what was left out


@dataclass(frozen=True, kw_only=True)
class Change:
    """How the data behind an executor differs from what it was."""

    message: str
    breaks: bool = False  # questions of then may have no answer now


class Executor(Part, ABC):
    """Runs answers. A context manager, opened once for all examples of a stage.

    A subclass implements `execute`; everyone else calls `run`, which checks an answer first.
    """

    takes_url: ClassVar[bool] = False  # reaches a server of the user's (``--engine-url``)
    parallel: ClassVar[int] = 1  # how many threads may call `run` at once
    task: Task
    engine: Engine
    _gate: Gate | None = None  # None: not open

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if cls.run is not Executor.run:
            raise TypeError(
                f"{cls.__name__} overrides Executor.run, which checks an answer before anything runs it: "
                "implement execute(answer, example) instead"
            )

    def open(self, task: Task, engine: Engine) -> Self:
        """Make ready to run answers of `task`. Raises ServiceError where an engine is not there."""
        self.task, self.engine, self._gate = task, engine, Gate(task)
        return self

    @final
    def run(self, answer: str, example: Example) -> Outcome:
        """Check `answer`, whoever wrote it, and run it on the example's data if no check finds an error in it.

        What the checks refuse is INVALID, with their errors as `Outcome.problems`. Refusals are not run either.
        """
        if self._gate is None:
            raise UsageError(f"executor '{self.name}' is not open", hint="call executor.open(task, engine) first")
        if errors := self._gate.errors(answer, example):
            reason = f"not run: {errors[0].layer}: {errors[0].message}"
            return Outcome(kind=OutcomeKind.INVALID, reason=reason, problems=errors)
        with about(example.id):
            if self.task.is_refusal(answer):
                return Outcome(kind=OutcomeKind.INVALID, reason="not run: it is a refusal")
        try:
            return self.execute(answer, example)
        except PASSING:
            raise
        except Exception as error:
            reason = fault(self.task, f"executor '{self.name}'", error, example.id)
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)

    @abstractmethod
    def execute(self, answer: str, example: Example) -> Outcome:
        """Run `answer`, which passed the task's checks, on the example's data. Only `run` calls this.

        Must not raise for what an answer does. Raises ServiceError or AuthError where no answer could be run.
        """

    def context(self, example: Example) -> Mapping[str, Any]:
        """What only the engine knows of the example's data, for `Task.corpora`; nothing by default."""
        return {}

    @property
    def label(self) -> str:
        """Engine and version, for every score: ``embedded osmem-server 0.1.6``."""
        return self.name

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """What the data that answers to `examples` run on is like now, for run.json; empty where it cannot move."""
        return {}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        """How two results of `facts` differ, or one of `Task.facts` and one of `facts`."""
        return ()

    def self_check(self) -> Iterable[CheckResult]:
        """What can be said of the engine behind this opened executor: facts, and requests with known answers.

        Reads only, unless ``engine.load_data`` allows data of the task's own. Raises what `open` may raise.
        """
        return ()

    def close(self) -> None:
        """Let go of whatever `open` took."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Metric(Part, ABC):
    """A figure over verdicts."""

    @abstractmethod
    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        """The score with its interval; ``value`` None where nothing was checked so far."""
