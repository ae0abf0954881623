"""Running a command: how it ends, what it prints, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch.errors import RunError
from autoresearch.runtime.command import Command, Finished, NotStarted, Why
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process, Standby

PATIENCE = 20.0
FOREVER = "while True: time.sleep(60)"


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; only the failure has a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state != b"Z"


def python(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(("import os, signal, sys, time", *lines)))


class Ran:
    """A command run to its end: its result, its lines, its log."""

    def __init__(self, folder: Path, *, limit: float = 60.0, grace: float = 0.2) -> None:
        self.folder = folder
        self.limit = limit
        self.grace = grace
        self.lines: list[str] = []
        self.shown: list[str] = []
        self.log = folder / "output.log"

    def command(self, arguments: str | tuple[str, ...]) -> Command:
        return Command(arguments, self.folder, dict(os.environ), self.limit, self.grace)

    def run(
        self, arguments: str | tuple[str, ...], started: Callable[[Process], None] = lambda _: None
    ) -> Finished | NotStarted:
        with OutputLog(self.log, "sample 1") as log:
            process = Process(self.command(arguments))
            started(process)
            return process.wait(self.lines.append, log, self.shown.append)

    def finished(
        self, arguments: str | tuple[str, ...], started: Callable[[Process], None] = lambda _: None
    ) -> Finished:
        done = self.run(arguments, started)
        assert isinstance(done, Finished)
        return done

    def pids(self, count: int) -> list[int]:
        """Process ids that a command left as files in the folder `pids`."""
        folder = self.folder / "pids"
        until(lambda: folder.is_dir() and len(list(folder.iterdir())) >= count)
        return [int(path.name) for path in folder.iterdir()]


NOTE_PID = "os.makedirs('pids', exist_ok=True); open(f'pids/{os.getpid()}', 'w').close()"


def test_a_string_goes_to_the_shell(tmp_path: Path) -> None:
    done = Ran(tmp_path).finished("A=7; echo $((A + 1)) | tr 8 9; exit 3")
    assert (done.why, done.exit_code, done.signal, done.stdout_tail) == (Why.ENDED, 3, None, "9\n")


def test_a_list_does_not_go_to_the_shell(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    assert ran.finished(("echo", "$HOME", "two  blanks")).exit_code == 0
    assert ran.lines == ["$HOME two  blanks"]


def test_stdin_is_empty_and_the_session_is_its_own(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    ran.run(python("print(repr(sys.stdin.read()), os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT))"))
    assert ran.lines == ["'' True <built-in function default_int_handler>"]


def test_signals_have_their_default_action_in_the_command(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    ran.run("grep SigIgn /proc/self/status; grep SigBlk /proc/self/status")
    # Real-time signals, from 32 on, are the C library's own.
    assert [int(line.split()[1], 16) & (2**31 - 1) for line in ran.lines] == [0, 0]


def test_no_descriptor_of_ours_reaches_the_command(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    with (tmp_path / "open").open("w"):
        ran.run(("ls", "/proc/self/fd"))
    assert ran.lines == ["0", "1", "2", "3"]  # 3 is the listing itself


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("no-such-program",), "command not found: no-such-program"),
        (("./no-such-file",), "command not found: ./no-such-file"),
        (("./plain",), "cannot run ./plain: Permission denied"),
        (("./empty",), "not a program (no #! line?): ./empty"),
    ],
)
def test_a_command_that_cannot_be_run_is_a_value(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "empty").write_text("what?\n")
    (tmp_path / "empty").chmod(0o755)
    assert Ran(tmp_path).run(arguments) == NotStarted(reason)


def test_a_folder_that_does_not_exist_is_broken_machinery(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot start a process in .*missing"):
        Process(Command("true", tmp_path / "missing", {}, 1.0))


def test_a_program_killed_by_a_signal_says_which(tmp_path: Path) -> None:
    done = Ran(tmp_path).finished("kill -SEGV $$")
    assert (done.why, done.exit_code, done.signal) == (Why.ENDED, None, signal.SIGSEGV)


def test_time_and_memory_are_the_commands_own(tmp_path: Path) -> None:
    done = Ran(tmp_path).finished(python("block = bytearray(80 * 2**20)", "while time.process_time() < 0.2: pass"))
    assert done.peak_rss_mb > 80
    assert 0.2 <= done.cpu_seconds <= done.seconds + 0.1


SAVES = "trap 'echo saved; exit 4' TERM; while :; do sleep 0.05; done"
DEAF = "trap '' TERM HUP; mkdir -p pids; : > pids/$$; while :; do sleep 60; done"


def test_the_limit_ends_a_command_and_term_comes_first(tmp_path: Path) -> None:
    ran = Ran(tmp_path, limit=0.7, grace=PATIENCE)
    done = ran.finished(SAVES)
    assert (done.why, done.exit_code, ran.lines) == (Why.TIMED_OUT, 4, ["saved"])


def test_a_limit_of_a_year_is_a_limit_like_any_other(tmp_path: Path) -> None:
    done = Ran(tmp_path, limit=365 * 86400.0, grace=30 * 86400.0).finished("echo loss: 1")
    assert (done.why, done.exit_code) == (Why.ENDED, 0)


def test_a_process_that_ignores_term_is_killed(tmp_path: Path) -> None:
    ran = Ran(tmp_path, limit=0.7)
    done = ran.finished(DEAF)
    assert (done.why, done.signal) == (Why.TIMED_OUT, signal.SIGKILL)
    assert not any(map(is_running, ran.pids(1)))


def test_a_stopped_process_gets_to_act_on_term(tmp_path: Path) -> None:
    ran = Ran(tmp_path, limit=0.7, grace=PATIENCE)
    done = ran.finished("trap 'exit 5' TERM; kill -STOP $$; sleep 600")
    assert (done.why, done.exit_code) == (Why.TIMED_OUT, 5)


DAEMON = (
    "if os.fork() == 0:",
    "    os.setsid()",
    "    if os.fork() == 0:",
    "        signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    f"        {NOTE_PID}",
    f"        {FOREVER}",
    "    os._exit(0)",
    "while not os.path.isdir('pids') or not os.listdir('pids'): time.sleep(0.01)",
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor")
def test_a_daemon_of_another_session_does_not_outlive_the_command(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    done = ran.finished(python(*DAEMON, "print('done')"))
    assert (done.why, done.exit_code, ran.lines) == (Why.ENDED, 0, ["done"])
    assert not any(map(is_running, ran.pids(1)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor")
def test_a_daemon_does_not_outlive_the_limit(tmp_path: Path) -> None:
    ran = Ran(tmp_path, limit=1.0)
    assert ran.finished(f'(setsid sh -c "{DEAF}" &); sleep 600'.replace("$$", r"\$\$")).why is Why.TIMED_OUT
    assert not any(map(is_running, ran.pids(1)))


def test_a_tree_that_keeps_forking_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "hydra.py"
    script.write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for depth in range(40):\n"
        "    if os.fork(): time.sleep(0.02); os._exit(0)\n"
        "    os.setsid()\n"
        "open('alive', 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    ran = Ran(tmp_path, limit=0.6)
    ran.finished((sys.executable, str(script)))
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(script) not in left


def test_a_child_that_holds_the_pipes_does_not_hold_us(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    done = ran.finished(f"echo first; sleep {PATIENCE * 10} & echo last")
    assert (done.exit_code, ran.lines) == (0, ["first", "last"])


@pytest.mark.parametrize("at_once", [False, True])
def test_a_command_can_be_stopped_from_another_thread(tmp_path: Path, at_once: bool) -> None:
    ran = Ran(tmp_path, grace=PATIENCE)
    handler = "signal.signal(signal.SIGTERM, lambda *_: os._exit(6))"

    def stop_when_ready(process: Process) -> None:
        def stop() -> None:
            ran.pids(1)
            process.stop(at_once=at_once)

        threading.Thread(target=stop).start()

    done = ran.finished(python(handler, NOTE_PID, FOREVER), stop_when_ready)
    if at_once:
        assert (done.why, done.signal) == (Why.KILLED, signal.SIGKILL)
    else:
        assert (done.why, done.exit_code) == (Why.STOPPED, 6)


def test_at_once_cuts_the_grace_period_short(tmp_path: Path) -> None:
    ran = Ran(tmp_path, grace=PATIENCE * 10)

    def stop_twice(process: Process) -> None:
        def stop() -> None:
            ran.pids(1)
            process.stop(at_once=False)
            process.stop(at_once=True)

        threading.Thread(target=stop).start()

    done = ran.finished(python("signal.signal(signal.SIGTERM, signal.SIG_IGN)", NOTE_PID, FOREVER), stop_twice)
    assert done.why in (Why.STOPPED, Why.KILLED)
    assert done.signal == signal.SIGKILL


def test_stopping_what_has_ended_does_nothing(tmp_path: Path) -> None:
    started: list[Process] = []
    assert Ran(tmp_path).finished("true", started.append).exit_code == 0
    started[0].stop(at_once=False)


def test_an_experiment_that_kills_its_supervisor_is_noticed(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    done = ran.finished(python(NOTE_PID, "os.kill(os.getppid(), signal.SIGKILL)", FOREVER))
    assert (done.why, done.exit_code) == (Why.LOST, None)
    until(lambda: not any(map(is_running, ran.pids(1))))


def test_a_stopped_supervisor_does_as_it_is_told(tmp_path: Path) -> None:
    ran = Ran(tmp_path)

    def stop(process: Process) -> None:
        threading.Thread(target=lambda: (ran.pids(1), process.stop(at_once=True))).start()

    done = ran.finished(python("os.kill(os.getppid(), signal.SIGSTOP)", NOTE_PID, FOREVER), stop)
    assert (done.why, done.signal) == (Why.KILLED, signal.SIGKILL)


def test_a_supervisor_that_does_not_do_as_it_is_told_is_ended(tmp_path: Path) -> None:
    ran = Ran(tmp_path)

    def kill(process: Process) -> None:
        threading.Thread(target=lambda: (ran.pids(1), process.kill())).start()

    assert ran.finished(python(NOTE_PID, FOREVER), kill).why is Why.LOST
    until(lambda: not any(map(is_running, ran.pids(1))))


def stopped_standby() -> Standby:
    standby = Standby()
    standby.process.send_signal(signal.SIGSTOP)
    until(lambda: state_of(standby.process.pid) == "T")
    return standby


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the state of a process from /proc")
def test_a_standby_that_was_stopped_is_closed_at_once() -> None:
    standby = stopped_standby()
    standby.close()
    assert standby.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="reads the state of a process from /proc")
def test_a_standby_that_was_stopped_gets_a_plan_of_any_length(tmp_path: Path) -> None:
    ran, standby = Ran(tmp_path), stopped_standby()
    env = {**os.environ, **{f"LONG{number}": "x" * 100_000 for number in range(5)}}
    command = Command("echo ${#LONG0} ${#LONG4}", tmp_path, env, 60.0)
    with OutputLog(ran.log, "sample 1") as log:
        done = Process(command, standby).wait(ran.lines.append, log)
    assert (isinstance(done, Finished) and done.exit_code, ran.lines) == (0, ["100000 100000"])


def test_the_place_of_a_standby_that_was_killed_is_taken(tmp_path: Path) -> None:
    ran, standby = Ran(tmp_path), Standby()
    standby.process.kill()
    standby.process.wait()
    with OutputLog(ran.log, "sample 1") as log:
        Process(ran.command("echo here"), standby).wait(ran.lines.append, log)
    assert ran.lines == ["here"]


def test_the_supervisor_shrugs_off_the_signals_of_a_terminal(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    signals = "for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM): os.kill(os.getppid(), number)"
    done = ran.finished(python(signals, "print('still here')"))
    assert (done.why, ran.lines) == (Why.ENDED, ["still here"])


PARENT = """
import os, sys
from pathlib import Path
from autoresearch.runtime.command import Command
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
folder = Path(sys.argv[1])
with OutputLog(folder / "output.log", "sample 1") as log:
    Process(Command((sys.executable, "-c", sys.argv[2]), folder, dict(os.environ), 600.0)).wait(print, log)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor")
def test_everything_dies_when_ar_is_killed(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    experiment = "\n".join(("import os, signal, time", *DAEMON, "signal.signal(15, signal.SIG_IGN)", NOTE_PID, FOREVER))
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), experiment])
    pids = ran.pids(2)
    supervisor = next(ppid for pid in pids if (ppid := parent_of(pid)) and parent_of(ppid) == parent.pid)
    assert all(map(is_running, pids))
    assert os.getsid(supervisor) == supervisor, "the keys of a terminal would reach it"
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, (*pids, supervisor))))


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def test_a_failing_reader_leaves_nothing_running(tmp_path: Path) -> None:
    def refuse(line: str) -> None:
        raise ValueError(line)

    ran = Ran(tmp_path)
    with OutputLog(ran.log, "sample 1") as log, pytest.raises(ValueError, match="hello"):
        Process(ran.command(python(NOTE_PID, "print('hello', flush=True)", FOREVER))).wait(refuse, log)
    assert not any(map(is_running, ran.pids(1)))


FLOODED = """
import os, sys
from pathlib import Path
from autoresearch.runtime.command import Command
from autoresearch.runtime.output import OutputLog
from autoresearch.runtime.process import Process
flood = "import sys; [sys.stdout.write('x' * 10**6) for _ in range(300)]; print(); print('loss: 0.5')"
lines = []
with OutputLog(Path("output.log"), "sample 1") as log:
    done = Process(Command((sys.executable, "-c", flood), Path(), dict(os.environ), 600.0)).wait(lines.append, log)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(done.exit_code, len(lines), len(lines[0]), lines[1].replace(" ", ""), peak.split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
def test_a_huge_line_costs_little_memory_and_little_disk(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FLOODED], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert told[:4] == ["0", "2", str(64 * 1024), "loss:0.5"]
    assert int(told[4]) < 60 * 1024, "KiB that the process which reads the output had at most"
    log = (tmp_path / "output.log").read_bytes()
    assert len(log) < 2.1 * 2**20
    assert f"{300 * 10**6 + 11 - 2 * 2**20} bytes left out".encode() in log
    assert log.endswith(b"x\nloss: 0.5\n")


def test_the_screen_sees_progress_bars_and_errors_too(tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    ran.run(python("sys.stderr.write('\\r 10 %\\r \\x1b[31m50 %\\x1b[0m\\r'); sys.stderr.flush(); time.sleep(0.2)"))
    assert ran.shown == ["50 %"]
    assert ran.lines == []
