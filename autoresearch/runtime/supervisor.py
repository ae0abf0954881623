"""The supervisor of one sample: starts the command, watches it, and leaves nothing of it behind.

A process of its own, `python -I -S`, standard library only: it starts in milliseconds and stays while the command runs.
On the pipe CONTROL it reads its plan, and then `stop` (TERM, a grace period, KILL) or `kill`; end of file means that
`ar` is gone, and kills as well. On STATUS it writes one JSON line before the command is started and one when everything
has ended. Its output pipes are the command's.

Covered on Linux: every descendant, whatever its session, group or parent, for orphans are handed to the supervisor;
limits on time, memory, processes and the disk (`watchdog`); the rule of Landlock (`landlock`). Elsewhere: time, and the
command's process group only. Not covered anywhere: processes that the command has others start (docker, systemd-run,
cron), and an experiment that looks for its supervisor and kills it, where no rule keeps its signals inside.
"""

from __future__ import annotations

# `signal` and `collections` would take longer to import than everything else together: they bring `enum` along.
import _signal as signal  # type: ignore[import-not-found]
import errno
import os
import select
import sys
import time

from autoresearch.runtime.landlock import enforce, prepare
from autoresearch.runtime.plan import Plan, read_plan
from autoresearch.runtime.watchdog import Watchdog, first_to_go

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_CHILD_SUBREAPER = 36
UNKILLABLE_AFTER = 10.0
RESCAN_AFTER = 0.05
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
IGNORED_HERE = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
RESET_IN_COMMAND = (*IGNORED_HERE, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGQUIT)
ENDED, TIMED_OUT, STOPPED, KILLED, OVER = "ended", "timed out", "stopped", "killed", "over a limit"
"""Why a command does not run any more."""
PLACE, CONFINE, START = "place", "confine", "start"
"""What could not be done for a command, so that it never ran."""


class Supervisor:
    """The command that was started, and the account of what it used."""

    def __init__(self, control: int, status: int, plan: Plan) -> None:
        self.control = control
        self.status = status
        self.plan = plan
        self.adopts_orphans = become_subreaper()
        self.wake = wake_when_a_child_ends()
        self.watchdog = Watchdog(os.getpid(), plan.memory, plan.processes, plan.disk)
        self.over: tuple[str, str] | None = None
        self.pid = 0
        self.failure = ""
        self.code: int | None = None
        self.started = time.monotonic()
        self.seconds = 0.0
        self.peak_rss = 0
        self.cpu = 0.0

    def start(self) -> None:
        """Start the command in a session of its own; `failure` says why it could not be."""
        go, go_end = os.pipe()
        failure, failure_end = os.pipe()
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(go_end)
            become(self.plan, go, failure_end)
        # Told before the command can do anything, such as killing us.
        tell(self.status, f'{{"pid": {self.pid}}}\n')
        os.close(go_end)
        os.close(failure_end)
        # Held open here, the pipes of the output would never come to their end in `ar`.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        self.failure = os.read(failure, 64).decode()

    def collect(self) -> bool:
        """Take every child that has ended. True when none is left, not even an adopted one."""
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return False
                self.peak_rss = max(self.peak_rss, usage.ru_maxrss * RSS_UNIT)
                self.cpu += usage.ru_utime + usage.ru_stime
                if pid == self.pid:
                    self.code = os.waitstatus_to_exitcode(status)
                    self.seconds = time.monotonic() - self.started
        except ChildProcessError:
            return self.adopts_orphans or not signal_group(self.pid, 0)

    def command_ended(self) -> bool:
        self.collect()
        return self.code is not None

    def watch(self, until: float, ended: Callable[[], bool]) -> str:
        """Wait for `ended`, for the moment `until`, for a limit that is passed, or for a word of `ar`."""
        while not ended():
            left = until - time.monotonic()
            if left <= 0:
                return TIMED_OUT
            ready = select.select([self.control, self.wake], [], [], min(left, self.watchdog.wait()))[0]
            if self.wake in ready:
                os.read(self.wake, 4096)
            word = os.read(self.control, 64) if self.control in ready else b"\n"
            if not word or b"kill" in word:
                return KILLED
            if b"stop" in word:
                return STOPPED
            self.over = self.watchdog.look()
            if self.over:
                return OVER
        return ENDED

    def run(self) -> str:
        """Wait until the command has ended or has had its time, the grace period included."""
        why = self.watch(self.started + self.plan.limit, self.command_ended)
        if why in (TIMED_OUT, STOPPED):
            self.signal_all(signal.SIGTERM)
            # A stopped process acts on TERM only when it goes on.
            self.signal_all(signal.SIGCONT)
            until = time.monotonic() + self.plan.grace
            while self.watch(until, self.collect) == STOPPED:
                pass
        return why

    def kill_all(self) -> None:
        """KILL until nothing is left: what forks meanwhile is found the next time round.

        Gives up after ten seconds: a process that waits inside the kernel for a dead disk or GPU cannot be killed.
        """
        until = time.monotonic() + UNKILLABLE_AFTER
        while not self.collect() and time.monotonic() < until:
            self.stop_all(until)
            self.signal_all(signal.SIGKILL)
            if select.select([self.wake], [], [], RESCAN_AFTER)[0]:
                os.read(self.wake, 4096)

    def stop_all(self, until: float) -> None:
        """STOP everything, until there is nobody new: those who fork without end are faster than KILL one by one."""
        known: set[int] = set()
        while time.monotonic() < until:
            self.signal_all(signal.SIGSTOP)
            found = set(descendants(os.getpid()))
            if found <= known:
                return
            known = found

    def signal_all(self, number: int) -> None:
        if not self.adopts_orphans:
            signal_group(self.pid, number)
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue

    def report(self, why: str) -> None:
        """The last status line. `code` is negative for a signal, null for a process that could not be killed."""
        code = "null" if self.code is None else str(self.code)
        seconds = self.seconds or time.monotonic() - self.started
        used = f'"seconds": {seconds:.6f}, "cpu_seconds": {self.cpu:.6f}, "peak_rss": {self.peak_rss}'
        limit, words = self.over or ("", "")
        over = f'"limit": "{limit}", "over": {quoted(words)}'
        tell(self.status, f'{{"why": "{why}", "failure": "{self.failure}", "code": {code}, {over}, {used}}}\n')


def become_subreaper() -> bool:
    """Have the kernel hand us every orphan below us, so that a daemon cannot leave the tree. Linux only."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes  # noqa: PLC0415  (only Linux needs it, and it is not free)

        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def wake_when_a_child_ends() -> int:
    """A descriptor that becomes readable with every SIGCHLD; the signals of a terminal are ignored from here on."""
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    for number in IGNORED_HERE:
        signal.signal(number, signal.SIG_IGN)
    return wake


def become(plan: Plan, go: int, failure: int) -> None:
    """In the forked child: wait for `go`, then turn into the command, or write what failed and end. Never returns."""
    os.setsid()
    for number in RESET_IN_COMMAND:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.read(go, 1)
    first_to_go()
    step = PLACE
    try:
        os.chdir(plan.cwd)
        step = CONFINE
        if plan.writable is not None:
            enforce(prepare(plan.writable))
        step = START
        execute(plan.command, plan.env)
    except OSError as error:
        os.write(failure, f"{step} {error.errno or 1}".encode())
    os._exit(127)


def execute(command: list[bytes], env: dict[bytes, bytes]) -> None:
    """Turn into the command, which is looked for on its own PATH. Raises OSError: of all folders, what says most."""
    name = command[0]
    folders = [b""] if b"/" in name else env.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    reason = OSError(errno.ENOENT, "")
    for folder in folders:
        try:
            os.execve(os.path.join(folder, name), command, env)  # noqa: PTH118  (pathlib costs more than all the rest)
        except OSError as error:
            reason = reason if reason.errno == errno.EACCES else error
    raise reason


def descendants(root: int) -> list[int]:
    """Every process below `root` from /proc; nothing where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []
    for name in names:
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                after_name = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found[1:]


def signal_group(group: int, number: int) -> bool:
    """Signal a process group. False when nothing of it can be reached."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def tell(status: int, line: str) -> None:
    """Write a status line; with `ar` gone there is nobody to read it, and still work to do."""
    try:
        os.write(status, line.encode())
    except BrokenPipeError:
        return


def quoted(text: str) -> str:
    """As JSON has it, without importing it for this."""
    inside = text.encode("ascii", "replace").decode().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def main() -> None:
    """`python -I -S -c … CONTROL STATUS`: two descriptors."""
    control, status = int(sys.argv[-2]), int(sys.argv[-1])
    os.set_inheritable(control, False)
    os.set_inheritable(status, False)
    plan = read_plan(control)
    if plan is None:
        return
    supervisor = Supervisor(control, status, plan)
    supervisor.start()
    why = KILLED
    try:
        why = supervisor.run()
    finally:
        supervisor.kill_all()
    supervisor.report(why)
    # All is told, and nothing waits to be written: taking the interpreter down would only make `ar` wait.
    os._exit(0)
