"""Everything that can stop `ar`, and what it tells the person.

    ArError                  one message, one hint, one exit code
    ├── UsageError           2    wrong option, wrong argument
    │   └── ConfigError      2    autoresearch.toml does not say what it must
    ├── RunError             1    the run cannot go on
    │   ├── BaselineFailed   1    experiment 0 gave no number
    │   ├── RecordError      1    git refused, or the record is not as it must be
    │   └── ProposerBroken   1    no proposal can be had (no key, nothing to tune, ten failures in a row)
    ├── ProposalFailed       1    one request for a proposal failed; the loop counts it and asks again
    ├── SampleLost           1    a machine failed in the middle of a sample; the loop takes it again
    ├── ProposalsExhausted   0    there is nothing left to propose: the run ends as one that used up its budget
    └── LockHeld             3    another `ar run` holds the lock

A crash, a timeout or a bad edit of an *experiment* is not here: those are outcomes, values of
`core.experiment`. Exceptions are for broken machinery only, and are caught once, in `cli.app`.
"""

from __future__ import annotations


class ArError(Exception):
    """What is wrong (`message`), what to type next (`hint`, may be empty), and the process's `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ArError):
    """The command line asks for something that does not exist or cannot be."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration is missing, broken, or names what is not there."""


class RunError(ArError):
    """The run cannot go on; everything finished so far is in the record."""


class BaselineFailed(RunError):
    """Experiment 0 gave no measurement; `output` is the end of what it printed."""

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output


class RecordError(RunError):
    """git refused an operation, or the record holds what `ar` did not write."""


class ProposerBroken(RunError):
    """No proposal will ever come: wrong key, unknown model, nothing to tune, too many failures in a row."""


class SampleLost(ArError):
    """A machine or a device failed in the middle of a sample: that says nothing about the experiment.

    `slot_is_gone`: nothing more can run where it ran.
    """

    def __init__(self, message: str, *, hint: str = "", slot_is_gone: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.slot_is_gone = slot_is_gone


class ProposalFailed(ArError):
    """One request failed after its retries. Tokens were billed all the same, and `spent_usd`, as far as it is known."""

    def __init__(
        self, message: str, *, hint: str = "", tokens_in: int = 0, tokens_out: int = 0, spent_usd: float | None = 0.0
    ) -> None:
        super().__init__(message, hint=hint)
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out
        self.spent_usd = spent_usd

    def with_usage_of(self, tokens_in: int, tokens_out: int, spent_usd: float | None) -> ProposalFailed:
        """The same failure, with what was billed on the way to it."""
        usd = (self.spent_usd or 0.0) + (spent_usd or 0.0)
        is_known = usd > 0.0 or None not in (self.spent_usd, spent_usd)
        return ProposalFailed(
            self.message,
            hint=self.hint,
            tokens_in=self.tokens_in + tokens_in,
            tokens_out=self.tokens_out + tokens_out,
            spent_usd=usd if is_known else None,
        )


class ProposalsExhausted(ArError):
    """There is nothing more to propose, or what is left of the budget does not cover asking; the message says it."""

    exit_code = 0


class LockHeld(ArError):
    """Another `ar run` (or `ar revert`) works on this repository."""

    exit_code = 3
