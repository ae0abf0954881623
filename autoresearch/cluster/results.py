"""What came back from the nodes: outputs into the logs of the experiments, artefacts where a single machine has them.

The person's secrets are no node's to know, and are taken out all the same: a script there can have them in a file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autoresearch.cluster import bag
from autoresearch.cluster.messages import Report
from autoresearch.core.experiment import Execution, Passed
from autoresearch.core.layout import Layout
from autoresearch.core.secrets import Redactor, Secrets
from autoresearch.errors import RunError
from autoresearch.runtime.tree import remove


class Results:
    """Of one run; any thread may call."""

    def __init__(self, layout: Layout, secrets: Secrets) -> None:
        self._layout = layout
        self._secrets = secrets

    def write_log(self, report: Report, file: Path) -> None:
        """Append the output. Raises RunError when it cannot be written (disk full)."""
        redactor = Redactor(self._secrets)
        clean = redactor.feed(report.log) + redactor.end()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as log:
                log.write(f"--- on {report.node} ---\n".encode() + clean)
        except OSError as error:
            raise _full(error) from error

    def stage(self, number: int, artifacts: bytes) -> None:
        """Hold the artefacts of an experiment's newest sample until it is decided."""
        staged = self._staged(number)
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(artifacts)
        except OSError as error:
            raise _full(error) from error

    def settle(self, number: int, *, keep: bool) -> None:
        """Store what was staged, or drop it; nothing there is fine."""
        staged, kept = self._staged(number), self._layout.artifacts(number)
        if keep and staged.exists():
            half = staged.with_suffix(".half")
            remove(half)
            try:
                bag.unpack(staged.read_bytes(), half)
            except OSError as error:
                raise _full(error) from error
            remove(kept)
            half.rename(kept)
        remove(staged)

    def artifacts(self, number: int) -> bytes | None:
        """What the experiment left, for a holdout that may run on any node; None where it has to be made once more."""
        staged, kept = self._staged(number), self._layout.artifacts(number)
        if staged.exists():
            return staged.read_bytes()
        return bag.pack(kept) if kept.is_dir() and bag.size_of(kept) <= bag.LARGEST else None

    def discard(self) -> None:
        """Remove what was staged and never decided."""
        remove(self._staged(0).parent)

    def clean(self, execution: Execution) -> Execution:
        """The same without secrets."""
        redact = self._secrets.redact
        if isinstance(execution, Passed):
            return replace(execution, tail=redact(execution.tail))
        return replace(execution, tail=redact(execution.tail), feedback=redact(execution.feedback))

    def _staged(self, number: int) -> Path:
        return self._layout.artifacts(number).with_name("from-nodes") / f"{number:04d}.tar"


def _full(error: OSError) -> RunError:
    return RunError(f"cannot store what a node sent: {error}", hint="is the disk full?")
