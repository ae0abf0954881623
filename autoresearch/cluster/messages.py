"""What `ar`, the process that talks to Ray and the nodes of the cluster say to each other. Values only.

They travel as pickles between processes of one person and one version: the versions are compared before anything else.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from autoresearch import __version__
from autoresearch.cluster.bag import LARGEST
from autoresearch.core.experiment import Execution
from autoresearch.core.ports import Job
from autoresearch.runtime.canary import CanaryResult
from autoresearch.runtime.settings import ExecutorSettings

STOP, AT_ONCE, DONE = 1, 2, 3
"""What may be asked for while an order is carried out, each more than the one before."""
Gpus = float | Literal["all"] | None
"""GPUs that one sample needs; `all` of a node; None: one, where there are any."""
PYTHON = platform.python_version()
OURS = __version__


@dataclass(frozen=True, slots=True)
class Start:
    """The first word to the driver: which cluster, and what one sample needs. An empty address: a local Ray."""

    address: str
    cpus: float
    gpus: Gpus
    workers: int | None
    """Samples at the same time; None: as many as the cluster has room for."""
    patience: float = 60.0
    """Seconds that a sample may wait for room before it is looked whether any node can still run it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The driver's answer. `gpus` is what a sample will ask for, `room` how many samples fit at the same time."""

    address: str
    is_ours: bool
    """It was started for this call, and ends with it."""
    nodes: tuple[str, ...]
    """Names, for people."""
    gpus: float
    room: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Machinery is broken, in words: what is wrong, and what to type."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The machine is to blame, not the experiment: its node or its worker process is no more, or it was cancelled."""

    reason: str


@dataclass(frozen=True, slots=True)
class Starved:
    """Ray ended it, for its node ran low on memory."""

    reason: str


@dataclass(frozen=True, slots=True)
class Commits:
    """A commit on its way to a node: a bundle on top of `anchor`, of which every node gets a whole one, once."""

    commit: str
    anchor: str
    thin: bytes
    """Empty where the anchor is all that is needed."""
    object_format: str
    shallow: str
    """Content of the repository's file of that name; empty where all of the history is there."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Instead of a job: is the command one that uses the editable files?"""

    commit: str
    editable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that a node must know to run one job, but for the anchor's bundle."""

    run: str
    """Name of the run's folder on every node."""
    root: str
    """The person's checkout, on the machine where `ar` runs."""
    settings: ExecutorSettings
    commits: Commits
    work: Job | Canary
    artifacts: bytes | None = None
    """What `pack` made of the experiment's artefacts, for a holdout."""
    largest: int = LARGEST
    """Bytes of artefacts that are sent back."""
    version: str = OURS
    python: str = PYTHON


@dataclass(frozen=True, slots=True)
class Hosted:
    """To a node's host: carry it out. `environ` is the worker's, with the GPUs that Ray gave it for this order."""

    order: Order
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """To a node's host: STOP or AT_ONCE."""

    level: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """To a node's host: the anchor's bundle."""

    bundle: bytes


@dataclass(frozen=True, slots=True)
class WantsAnchor:
    """From a node's host, which does not have the anchor."""


@dataclass(frozen=True, slots=True)
class Submit:
    """To the driver: run it. `anchor_file` is where the anchor's bundle lies, on this machine."""

    number: int
    order: Order
    anchor_file: str


@dataclass(frozen=True, slots=True)
class Stop:
    """To the driver: end these, with TERM and a grace period, or at once."""

    numbers: tuple[int, ...]
    at_once: bool


@dataclass(frozen=True, slots=True)
class Close:
    """To the driver: the end. `run` is the folder that goes from every node, `tag` the run's own name."""

    run: str
    tag: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The driver's last word: nothing runs any more."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an experiment's output, now and then."""

    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an order: the result, the output as it was logged, and what is to be kept."""

    result: Execution | CanaryResult
    node: str
    log: bytes
    artifacts: bytes | None = None
    note: str = ""
    """For people, where something was left out."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The first word of a node: it has room, and begins."""


Last = Report | Failed | Gone | Starved
"""What a submission ends with."""
Said = Begun | Line | Last


@dataclass(frozen=True, slots=True)
class About:
    """From the driver: something was said about a submission."""

    number: int
    said: Said


ToHost = Hosted | Asked | Anchor
FromHost = WantsAnchor | Said
ToDriver = Start | Submit | Stop | Close
FromDriver = Connected | Failed | About | Closed
