"""What the person has set for the model, and what stays the same for a whole run. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from autoresearch.core.experiment import Usage
from autoresearch.core.history import Direction
from autoresearch.core.quantity import Gain

NO_LOSS = Gain()


@dataclass(frozen=True, slots=True)
class Task:
    """What stays the same for a whole run; `editable` are the patterns of the configuration.

    Nothing of a holdout is in here: a proposer must not know that there is one.
    """

    goal: str
    metric_name: str
    direction: Direction
    command: str
    editable: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    """As people write them: `peak_vram_mb <= 48000`."""
    checks: tuple[str, ...] = ()
    """Commands that must succeed before a change is kept."""
    is_proved: bool = True
    """A gain is proved by repeated samples; else one sample decides."""
    may_change_seed: bool = False
    """A change that only alters a random seed is run."""
    max_loss: Gain = NO_LOSS
    """What a change that removes code may lose."""
    only_marked: bool = False
    """In a file with EVOLVE-BLOCK markers, only what stands between them may change."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    tokens_in: float
    tokens_out: float

    def of(self, usage: Usage) -> float:
        """USD for that many tokens."""
        return (usage.tokens_in * self.tokens_in + usage.tokens_out * self.tokens_out) / 1e6


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which model is asked, and how."""

    model: str
    api_base: str = ""
    """Of the model, and of the fallback models of the same provider."""
    temperature: float | None = None
    max_tokens: int = 16_000
    fallback_models: tuple[str, ...] = ()
    price: Price | None = None
    """The person's word on the model's price; also for fallback models that LiteLLM has no price for."""
    require_price: bool = False
    """There is a money budget: a model without a known price must not be used."""
    call_timeout: float = 180.0
    """Seconds of wall-clock time: about 9,000 tokens at 50 a second, reasoning included."""
    backoff: float = 2.0
    """Seconds before the second try; doubled for each further one."""
