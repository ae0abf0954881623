"""Runs one command under a supervisor and pumps its output.

A command that crashes, hangs or floods is a value (`Finished`, `NotStarted`), never an exception; a supervisor that
does not start is a RunError. Memory stays bounded whatever is printed. How a process tree is killed is in
`supervisor`; what the output means is not known here.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autoresearch.errors import RunError
from autoresearch.runtime.command import Command, Failure, Finished, NotStarted, Why
from autoresearch.runtime.output import OutputLog, Pump
from autoresearch.runtime.plan import Plan
from autoresearch.runtime.supervisor import descendants, signal_group
from autoresearch.runtime.undisturbed import undisturbed
from autoresearch.runtime.watchdog import MEMORY

PACKAGE = Path(__file__).parents[2]
START = "import sys; sys.path.append(sys.argv[1]); from autoresearch.runtime.supervisor import main; main()"
"""Isolated from the environment, and still the package that runs: behind the standard library on the path."""
NEEDED_TO_START = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT")
"""Some interpreters do not start without these; nothing else of our environment is given to a supervisor."""
LONGEST_WAIT = 3600.0
OVERDUE = 30.0
"""Seconds beyond everything that a supervisor may take before it is taken for stopped or dead."""
LISTENS_WITHIN = 10.0
"""Seconds for a supervisor that has nothing else to do."""


class Standby:
    """A supervisor that waits for its plan. Python takes longer to start than a command has to wait for one."""

    def __init__(self) -> None:
        """Raises RunError when none can be started."""
        control, self.control = os.pipe()
        os.set_blocking(self.control, False)
        self.status, status = os.pipe()
        try:
            with undisturbed():
                self.process = _spawn(control, status)
        except OSError as error:
            os.close(self.control)
            os.close(self.status)
            raise RunError(f"cannot start a process: {error.strerror or error}") from error
        finally:
            os.close(control)
            os.close(status)

    def begin(self, plan: Plan) -> bool:
        """Tell it what to do. False where it has ended meanwhile, or does not listen; it is closed then."""
        # Another slot's experiment may have stopped it.
        self.process.send_signal(signal.SIGCONT)
        try:
            _write(self.control, plan.to_bytes(), LISTENS_WITHIN)
        except (BrokenPipeError, BlockingIOError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """It is not needed. Nothing runs below it, and asked to go, one that was stopped never would."""
        os.close(self.control)
        os.close(self.status)
        self.process.kill()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LISTENS_WITHIN)


class Process:
    """One command, started. `wait` pumps on the calling thread; `stop` may be called from any other."""

    def __init__(self, command: Command, standby: Standby | None = None) -> None:
        """`standby` is used up. Raises RunError when no supervisor can be started."""
        if not command.cwd.is_dir():
            if standby is not None:
                standby.close()
            raise RunError(f"cannot start a process in {command.cwd}: there is no such folder")
        self._command = command
        self._started = time.monotonic()
        self._overdue = self._started + command.limit + command.stop_grace + OVERDUE
        self._woken = False
        self._flooded = False
        self._lock = threading.Lock()
        self._messages = bytearray()
        plan = _plan(command)
        if standby is None or not standby.begin(plan):
            standby = Standby()
            if not standby.begin(plan):
                raise RunError("the supervisor of a sample was killed before it could begin")
        self._supervisor, self._control, self._status = standby.process, standby.control, standby.status

    def stop(self, *, at_once: bool) -> None:
        """TERM, the grace period and KILL for everything below; or KILL at once. Does nothing when it has ended."""
        with self._lock, suppress(BrokenPipeError, BlockingIOError):
            if self._control >= 0:
                # An experiment can stop its supervisor, which then does not listen.
                self._supervisor.send_signal(signal.SIGCONT)
                os.write(self._control, b"kill\n" if at_once else b"stop\n")

    def kill(self) -> None:
        """For a supervisor that does not do as it is told: without it, what can be found of its command is ended."""
        with self._lock:
            if self._control >= 0:
                self._supervisor.kill()

    def wait(
        self, on_line: Callable[[str], None], log: OutputLog, show: Callable[[str], None] = lambda _: None
    ) -> Finished | NotStarted:
        """Pump until nothing of the command runs any more.

        `on_line` gets each line of stdout without its end, `show` a line of the output now and then, for a screen.

        Raises RunError when the supervisor did not start, OSError when the log cannot be written; even then
        everything is killed.
        """
        with self._ended() as (stdout, stderr):
            pump = Pump(stdout, stderr, on_line=on_line, show=show, log=log, secrets=self._command.secrets)
            self._watch(pump)
            pump.finish()
        return self._result(pump)

    @contextmanager
    def _ended(self) -> Iterator[tuple[int, int]]:
        """The two output pipes; whatever happens inside, afterwards nothing runs and nothing is open."""
        stdout, stderr = self._supervisor.stdout, self._supervisor.stderr
        if stdout is None or stderr is None:
            raise RunError("a process was started without its pipes")
        with stdout, stderr:
            try:
                yield stdout.fileno(), stderr.fileno()
            finally:
                self._close_control()
                while self._read_status():
                    pass
                os.close(self._status)
                self._supervisor.wait()

    def _watch(self, pump: Pump) -> None:
        """Until the status pipe ends: then the supervisor has ended, and everything below it before."""
        with selectors.DefaultSelector() as selector:
            for descriptor in (self._status, *pump.tails):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                # epoll counts milliseconds in 32 bits: it cannot wait for 25 days at once.
                wait = min(LONGEST_WAIT, max(0.0, self._overdue - time.monotonic()))
                ready = [key.fd for key, _ in selector.select(wait)]
                if not ready and time.monotonic() >= self._overdue:
                    self._wake_or_kill()
                for descriptor in ready:
                    if descriptor != self._status:
                        if not pump.read(descriptor):
                            selector.unregister(descriptor)
                        self._end_a_flood(pump)
                    elif not self._read_status():
                        return

    def _read_status(self) -> bool:
        message = os.read(self._status, 4096)
        self._messages += message
        return bool(message)

    def _end_a_flood(self, pump: Pump) -> None:
        if not self._flooded and 0 < self._command.limits.output < pump.both.total:
            self._flooded = True
            self.stop(at_once=True)

    def _wake_or_kill(self) -> None:
        """An experiment can stop its supervisor (SIGSTOP), which then watches no clock. Wake it once, then kill it."""
        self._supervisor.send_signal(signal.SIGKILL if self._woken else signal.SIGCONT)
        self._woken = True
        self._overdue += OVERDUE

    def _close_control(self) -> None:
        with self._lock:
            if self._control >= 0:
                os.close(self._control)
            self._control = -1

    def _result(self, pump: Pump) -> Finished | NotStarted:
        stdout, stderr = (tail.text() for tail in pump.tails.values())
        start, _, end = self._messages.decode().partition("\n")
        if not start:
            raise RunError(f"the supervisor of a sample did not start: {stderr.strip()[-500:]}")
        if not end:
            _kill_what_can_be_found(json.loads(start)["pid"])
        account = json.loads(end) if end else _LOST | {"seconds": time.monotonic() - self._started}
        if account["failure"]:
            return self._not_started(*account["failure"].split())
        code: int | None = account["code"]
        over = f"printed more than {self._command.limits.output / 2**30:.3g} GiB" if self._flooded else account["over"]
        return Finished(
            why=Why.OVER if self._flooded else Why(account["why"]),
            exit_code=None if code is None or code < 0 else code,
            signal=None if code is None or code >= 0 else -code,
            seconds=account["seconds"],
            cpu_seconds=account["cpu_seconds"],
            peak_rss_mb=account["peak_rss"] / 2**20,
            tail=pump.both.text(),
            stdout_tail=stdout,
            stderr_tail=stderr,
            over=over,
            ran_out_of_memory=account["limit"] == MEMORY,
        )

    def _not_started(self, step: str, number: str) -> NotStarted:
        """Raises RunError where not the command is to blame."""
        reason = os.strerror(int(number))
        match Failure(step):
            case Failure.PLACE:
                raise RunError(f"cannot run anything in {self._command.cwd}: {reason}")
            case Failure.CONFINE:
                raise RunError(
                    f"the command cannot be confined: {reason}", hint='isolation = "basic" runs it all the same'
                )
            case Failure.START:
                return NotStarted(_why_not(_words(self._command)[0], int(number)))


def _spawn(control: int, status: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-I", "-S", "-c", START, str(PACKAGE), str(control), str(status)),
        cwd="/",
        env={name: value for name in NEEDED_TO_START if (value := os.environ.get(name))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(control, status),
        # The terminal's Ctrl-C is for `ar`, which decides what becomes of the experiment.
        start_new_session=True,
    )


def _write(descriptor: int, data: bytes, patience: float) -> None:
    """All of it into a pipe that does not block. Raises BlockingIOError when nobody reads for so long."""
    left = memoryview(data)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_WRITE)
        while left:
            if not selector.select(patience):
                raise BlockingIOError(errno.EAGAIN, "nobody reads")
            left = left[os.write(descriptor, left) :]


def _words(command: Command) -> tuple[str, ...]:
    """The command without a shell's help."""
    given = command.arguments
    words = ("/bin/sh", "-c", given) if isinstance(given, str) else given
    if not command.confinement.wrapper:
        return words
    # The wrapper tells a missing program in words of its own; a shell does it as all the others do.
    found = words if isinstance(given, str) else ("/bin/sh", "-c", 'exec "$@"', "sh", *given)
    return (*command.confinement.wrapper, *found)


def _plan(command: Command) -> Plan:
    writable, limits = command.confinement.writable, command.limits
    return Plan(
        command=[os.fsencode(word) for word in _words(command)],
        cwd=os.fsencode(command.cwd),
        env={os.fsencode(name): os.fsencode(value) for name, value in command.env.items()},
        limit=command.limit,
        grace=command.stop_grace,
        writable=None if writable is None else [os.fsencode(path) for path in writable],
        memory=limits.memory,
        processes=limits.processes,
        disk={os.fsencode(path): least for path, least in limits.disk.items()},
    )


_LOST: dict[str, Any] = {
    "why": Why.LOST,
    "failure": "",
    "code": None,
    "limit": "",
    "over": "",
    "seconds": 0.0,
    "cpu_seconds": 0.0,
    "peak_rss": 0,
}


def _kill_what_can_be_found(pid: int) -> None:
    """The supervisor is gone, killed by the experiment perhaps: end its command's group and what is still below it."""
    below = descendants(pid)
    signal_group(pid, signal.SIGKILL)
    for one in below:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def _why_not(name: str, number: int) -> str:
    if number == errno.ENOENT:
        return f"command not found: {name}"
    if number == errno.ENOEXEC:
        return f"not a program (no #! line?): {name}"
    return f"cannot run {name}: {os.strerror(number)}"
