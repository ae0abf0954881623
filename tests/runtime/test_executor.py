"""Samples on this machine: from a commit and a command to a measurement, or to the reason why there is none."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from autoresearch.core.experiment import Execution, Measured, Outcome, Unmeasured
from autoresearch.core.layout import Layout
from autoresearch.core.metric import Convention, MetricSpec
from autoresearch.core.ports import Executor, Job
from autoresearch.errors import ArError, ConfigError, RecordError, RunError
from autoresearch.runtime.canary import CanaryResult, Unproved, Unused, Used
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.settings import ExecutorSettings
from autoresearch.runtime.tree import remove
from autoresearch.runtime.worktree import Worktree
from tests.support.installs import Venv
from tests.support.repositories import git, make_repository, state_of, write

PATIENCE = 30.0
PYTHON = shlex.quote(sys.executable)
ONCE = Convention()


class Lab:
    """A repository, and executors in it that are closed in the end."""

    def __init__(self, root: Path) -> None:
        self.root = make_repository(root, {"x.txt": "1.5\n"})
        self.layout = Layout(self.root, "nov23")
        self.executors: list[LocalExecutor] = []
        self.shown: list[tuple[int, str]] = []

    def commit(self, files: Mapping[str, str]) -> str:
        write(self.root, files)
        git(self.root, "add", "--force", *files)
        git(self.root, "commit", "--quiet", "--allow-empty", "--message=next")
        return self.head

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    def executor(self, command: str | tuple[str, ...], **options: Any) -> LocalExecutor:
        inherited = options.pop("inherited", os.environ)
        metric = options.pop("metric", MetricSpec("loss"))
        options.setdefault("stop_grace", 0.2)
        settings = ExecutorSettings(command, metric, "nov23", **options)
        show = lambda number, line: self.shown.append((number, line))  # noqa: E731
        self.executors.append(LocalExecutor(settings, self.layout, inherited, show))
        return self.executors[-1]

    def job(self, number: int = 0, **options: Any) -> Job:
        values = {"commit": self.head, "sample": 1, "seed": 7, "limit": 60.0, "convention": None, **options}
        return Job(number=number, **values)

    def run(self, command: str | tuple[str, ...], job: Job | None = None, **options: Any) -> Execution:
        return self.executor(command, **options).submit(job or self.job()).result(PATIENCE)

    def measured(self, command: str | tuple[str, ...], job: Job | None = None, **options: Any) -> Measured:
        execution = self.run(command, job, **options)
        assert isinstance(execution, Measured), execution
        return execution

    def unmeasured(self, command: str | tuple[str, ...], job: Job | None = None, **options: Any) -> Unmeasured:
        execution = self.run(command, job, **options)
        assert isinstance(execution, Unmeasured), execution
        return execution

    def output(self, number: int = 0) -> str:
        return self.layout.output(number).read_text()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path / "my répo")
    yield lab
    for executor in lab.executors:
        executor.close()
    assert not (lab.root / ".git" / "worktrees").exists()
    assert not list(lab.layout.worktrees.glob("*"))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_it_is_an_executor(lab: Lab) -> None:
    executor: Executor = lab.executor("true")
    assert executor.isolation == "basic"


def test_a_sample_is_measured_and_the_checkout_stays_as_it_is(lab: Lab) -> None:
    write(lab.root, {"x.txt": "dirty\n"})
    (lab.root / ".git" / "info" / "exclude").write_text("")
    before = state_of(lab.root)
    done = lab.measured('echo "loss: $(cat x.txt) ms"; echo "acc: 0.5"; echo oops >&2')
    assert (done.value, done.measures["acc"], done.flags) == (1.5, 0.5, ("unit=ms",))
    assert done.seconds > 0
    assert sorted(done.tail.splitlines()) == ["acc: 0.5", "loss: 1.5 ms", "oops"]
    assert state_of(lab.root) == before
    assert sorted(lab.output().splitlines())[1] == "acc: 0.5"
    assert lab.output().startswith("--- sample 1 (seed 7) ---\n")


def test_how_the_baseline_printed_is_told_and_then_required(lab: Lab) -> None:
    many = "echo loss: 2; echo loss: 1"
    assert lab.measured(many).flags == ("printed=many",)
    later = lab.job(1, convention=Convention(once=False))
    assert lab.measured(many, later).flags == ()
    refused = lab.unmeasured(many, lab.job(2, convention=ONCE))
    assert refused.outcome is Outcome.NO_METRIC
    assert "2 times" in refused.reason


def test_a_command_that_fails_is_an_outcome_with_its_reason(lab: Lab) -> None:
    done = lab.unmeasured(f"{PYTHON} -c 'raise ValueError(5)'")
    assert (done.outcome, done.reason) == (Outcome.CRASHED, "exit code 1: ValueError: 5")
    assert done.tail.startswith("Traceback")
    assert lab.unmeasured("echo loss: 1; sleep 60", lab.job(limit=0.5)).reason == "timed out after 0.5 s"


def test_broken_machinery_is_an_exception_in_the_future(lab: Lab) -> None:
    with pytest.raises(RecordError, match="git read-tree failed"):
        lab.executor("true").submit(lab.job(commit="f" * 40)).result(PATIENCE)
    lab.layout.output(3).mkdir(parents=True)
    with pytest.raises(RunError, match="a sample cannot be taken"):
        lab.executor("true").submit(lab.job(3)).result(PATIENCE)


def test_time_and_memory_can_be_the_metric(lab: Lab) -> None:
    seconds = lab.measured("sleep 0.1; echo ar.seconds: 0", metric=MetricSpec("ar.seconds"))
    assert seconds.value == seconds.seconds > 0.1
    block = f"{PYTHON} -c 'block = bytearray(60 * 2**20)'"
    assert lab.measured(block, metric=MetricSpec("ar.peak_rss_mb")).value > 60


def test_a_metrics_file_must_be_written_by_the_sample(lab: Lab) -> None:
    lab.commit({"out/metrics.json": '{"eval": {"loss": 9}}'})
    options: dict[str, Any] = {"metric": MetricSpec("eval.loss"), "metrics_file": "out/metrics.json"}
    write_it = """echo '{"eval": {"loss": 0.25}}' > out/metrics.json"""
    assert lab.measured(write_it, **options).value == 0.25
    assert "missing" in lab.unmeasured("echo loss: 1", **options).reason
    assert lab.unmeasured("rm out/metrics.json; mkfifo out/metrics.json", **options).outcome is Outcome.NO_METRIC
    big = f"{write_it}; head -c 2000000 /dev/zero | tr '\\0' ' ' >> out/metrics.json"
    assert lab.unmeasured(big, **options).outcome is Outcome.NO_METRIC


def test_a_sample_knows_who_it_is_and_gets_no_secrets(lab: Lab) -> None:
    inherited = {"PATH": os.environ["PATH"]} | {
        "WANDB_API_KEY": "w",
        "HF_TOKEN": "h",
        "GIT_DIR": "/x",
        "HOME": "/home/ada",
    }
    command = (
        "echo {experiment} {sample} {seed} {tag} $AR_EXPERIMENT $AR_SAMPLE $AR_SEED $AR_TAG $AR_TIME_LIMIT;"
        "echo [$WANDB_API_KEY] [$HF_TOKEN] [$GIT_DIR] $HOME $MINE; echo loss: {seed}"
    )
    executor = lab.executor(command, inherited=inherited, pass_env=("WANDB_API_KEY",), env={"MINE": "yes"})
    done = executor.submit(lab.job(4, sample=2, seed=99)).result(PATIENCE)
    assert isinstance(done, Measured)
    assert done.tail.splitlines()[:2] == ["4 2 99 nov23 4 2 99 nov23 60", "[w] [] [] /home/ada yes"]
    assert executor.withheld == ("HF_TOKEN",)


def test_the_archiver_on_the_path_is_not_ours(lab: Lab, tmp_path: Path) -> None:
    for folder, text in (("ours", "# autoresearch\necho ours"), ("theirs", 'echo "loss: 7"')):
        write(tmp_path, {f"{folder}/ar": f"#!/bin/sh\n{text}\n"})
        (tmp_path / folder / "ar").chmod(0o755)
    path = f"{tmp_path / 'ours'}:{tmp_path / 'theirs'}:{os.environ['PATH']}"
    assert lab.measured("ar rcs lib.a x.o", inherited={"PATH": path}).value == 7


def test_the_command_runs_in_the_folder_of_the_configuration(lab: Lab) -> None:
    lab.commit({"tasks/one/y.txt": "4"})
    assert lab.measured("echo loss: $(cat y.txt); pwd", sub="tasks/one").value == 4


def test_setup_runs_once_per_commit(lab: Lab) -> None:
    commits = [lab.commit({"x.txt": "1"}), lab.commit({"x.txt": "2"})]
    executor = lab.executor(
        "echo loss: $(cat built); test ! -e mess || exit 1; touch mess", setup="echo set up; cat x.txt > built"
    )
    values = []
    for number, sample in ((0, 0), (0, 1), (1, 0)):
        done = executor.submit(lab.job(number, commit=commits[number], sample=sample)).result(PATIENCE)
        assert isinstance(done, Measured), done
        values.append(done.value)
    assert values == [1, 1, 2]
    headers = [line for line in lab.output(0).splitlines() if line.startswith("---")]
    assert headers == ["--- setup ---", "--- sample 0 (seed 7) ---", "--- sample 1 (seed 7) ---"]


def test_a_setup_that_fails_is_a_crash_and_tried_again_for_the_next_sample(lab: Lab) -> None:
    executor = lab.executor("echo loss: 1", setup="echo no compiler >&2; exit 2")
    for _ in range(2):
        done = executor.submit(lab.job()).result(PATIENCE)
        assert isinstance(done, Unmeasured)
        assert (done.outcome, done.reason) == (Outcome.CRASHED, "setup failed: exit code 2: no compiler")
    assert lab.output().count("no compiler") == 2


def test_data_is_there_and_the_cache_is_kept(lab: Lab) -> None:
    write(lab.root, {"sets/a.txt": "3"})
    commits = [lab.head, lab.commit({"x.txt": "2"})]
    executor = lab.executor(
        "echo x >> target/log; echo loss: $(cat target/log | wc -l)", data=("sets",), cache=("target",)
    )
    values = []
    for number in (0, 1, 1):
        done = executor.submit(lab.job(number, commit=commits[number])).result(PATIENCE)
        values.append(done.value if isinstance(done, Measured) else done)
    assert values == [1, 2, 3]
    assert lab.measured("echo loss: $(cat sets/a.txt)", data=("sets",)).value == 3


def test_data_that_does_not_exist_is_an_error_before_anything_runs(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="sets does not exist"):
        lab.executor("true", data=("sets",))


def test_artifacts_of_kept_experiments_are_stored(lab: Lab) -> None:
    (lab.root.parent / "secret").write_text("secret")
    command = (
        "mkdir -p out/deep; echo best{experiment} > out/best.pt; echo x > out/deep/x; echo loss: 1;"
        "ln -s best.pt out/latest.pt; ln -s ../../../../../secret out/stolen.pt"
    )
    executor = lab.executor(command, artifacts=("out/*.pt", "out/deep", "missing"))
    for number in (0, 1, 2, 1):
        executor.submit(lab.job(number)).result(PATIENCE)
        if number == 0:
            executor.settle(0, keep=True)
    executor.settle(2, keep=True)
    executor.settle(1, keep=False)
    executor.close()
    stored = lab.layout.artifacts(0).parent
    kept = sorted(path.relative_to(stored).as_posix() for path in stored.rglob("*") if path.is_file())
    one = ["out/best.pt", "out/deep/x", "out/latest.pt"]
    assert kept == [f"{number}/{name}" for number in ("0000", "0002") for name in one]
    assert (stored / "0002" / "out" / "latest.pt").read_text() == "best2\n"


def test_lines_of_the_output_are_shown_without_escapes(lab: Lab) -> None:
    lab.run(r"printf '\033[32mloss: 1\033[0m\n'", lab.job(5))
    assert lab.shown == [(5, "loss: 1")]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_stopped_sample_is_interrupted_and_its_future_fulfilled(lab: Lab, at_once: bool) -> None:
    executor = lab.executor("echo loss: 1; echo started; sleep 600")
    future = executor.submit(lab.job())
    until(lambda: bool(lab.shown))
    executor.stop(at_once=at_once)
    done = future.result(PATIENCE)
    assert isinstance(done, Unmeasured)
    assert (done.outcome, done.reason) == (Outcome.INTERRUPTED, "stopped")
    assert "started" in done.tail


@pytest.mark.parametrize(("number", "outcome"), [(0, Outcome.CRASHED), (3, Outcome.INTERRUPTED)])
def test_a_deleted_worktree_is_not_the_candidates_fault(lab: Lab, number: int, outcome: Outcome) -> None:
    executor = lab.executor("echo started; while [ -e x.txt ]; do sleep 0.01; done; cat x.txt")
    future = executor.submit(lab.job(number, convention=ONCE))
    until(lambda: bool(lab.shown))
    remove(lab.layout.home)
    done = future.result(PATIENCE)
    assert isinstance(done, Unmeasured)
    assert (done.outcome, done.reason) == (outcome, "the worktree was deleted")
    executor.close()
    assert lab.measured('echo "loss: $(cat x.txt)"').value == 1.5


def test_in_a_setup_as_well(lab: Lab) -> None:
    executor = lab.executor("echo loss: 1", setup="echo started; while [ -e x.txt ]; do sleep 0.01; done; exit 1")
    future = executor.submit(lab.job(3))
    until(lambda: bool(lab.shown))
    remove(lab.layout.home)
    assert isinstance(done := future.result(PATIENCE), Unmeasured)
    assert (done.outcome, done.reason) == (Outcome.INTERRUPTED, "the worktree was deleted")


def test_a_stop_before_the_command_has_started_counts(lab: Lab) -> None:
    executor = lab.executor("echo loss: 1", setup="echo setting up; sleep 600")
    future = executor.submit(lab.job())
    until(lambda: bool(lab.shown))
    executor.stop(at_once=True)
    assert isinstance(done := future.result(PATIENCE), Unmeasured)
    assert done.outcome is Outcome.INTERRUPTED
    future = executor.submit(lab.job())
    executor.stop(at_once=True)
    assert isinstance(done := future.result(PATIENCE), Unmeasured)
    assert done.outcome is Outcome.INTERRUPTED


def test_a_done_callback_may_submit_the_next_sample(lab: Lab) -> None:
    executor = lab.executor("echo loss: {sample}")
    done: list[Execution] = []
    everything = threading.Event()

    def after(execution: Execution) -> None:
        done.append(execution)
        if len(done) == 3:
            everything.set()

    submitted = threading.Semaphore(1)
    for sample in range(3):
        submitted.acquire(timeout=PATIENCE)
        future = executor.submit(lab.job(sample=sample))
        future.add_done_callback(lambda one: (after(one.result()), submitted.release()))
    assert everything.wait(PATIENCE)
    assert [one.value for one in done if isinstance(one, Measured)] == [0, 1, 2]


def test_a_second_sample_at_the_same_time_is_refused(lab: Lab) -> None:
    executor = lab.executor("sleep 600")
    executor.submit(lab.job())
    with pytest.raises(RunError, match="in this slot"):
        executor.submit(lab.job())


def test_closing_ends_what_runs_and_can_be_repeated(lab: Lab) -> None:
    executor = lab.executor("echo go; sleep 600", cache=("target",))
    future = executor.submit(lab.job())
    until(lambda: bool(lab.shown))
    executor.close()
    assert isinstance(done := future.result(0), Unmeasured)
    assert done.outcome is Outcome.INTERRUPTED
    executor.close()
    assert (lab.layout.cache(0) / "target").is_dir()


def test_leftovers_go_even_when_nothing_is_sampled(lab: Lab) -> None:
    Worktree(lab.root, lab.layout.worktree(0), lab.layout.cache(0)).create(lab.head)
    assert (lab.root / ".git" / "worktrees").exists()
    lab.executor("true").close()
    assert not (lab.root / ".git" / "worktrees").exists()


# --- the canary -------------------------------------------------------------------------------------------------


def canary(lab: Lab, command: str, editable: tuple[str, ...] = ("x.py",), **options: Any) -> CanaryResult:
    return lab.executor(command, **options).canary(lab.head, editable).result(PATIENCE)


LIBRARY = "from __future__ import annotations\nLOSS = 1.5\n"


def test_a_command_that_uses_the_editable_files_passes(lab: Lab) -> None:
    lab.commit({"x.py": LIBRARY, "run.sh": "#!/bin/sh\necho loss: 1\n"})
    assert canary(lab, f"{PYTHON} -c 'import x; print(\"loss:\", x.LOSS)'") == Used()
    assert canary(lab, "sh run.sh", ("run.sh", "x.py")) == Used()
    assert canary(lab, "./run.sh || echo loss: 0", ("run.sh",)) != Used(), "the file is not executable"


def test_a_harness_that_swallows_failures_passes_when_they_can_be_seen(lab: Lab) -> None:
    lab.commit({"x.py": LIBRARY})
    assert canary(lab, f"{PYTHON} x.py; echo loss: 0") == Used()


def test_a_setup_that_fails_passes_too(lab: Lab) -> None:
    lab.commit({"x.c": "int main(void) { return 0; }\n"})
    assert canary(lab, "echo loss: 1", ("x.c",), setup="cc x.c -o x") == Used()


def test_after_the_canary_the_files_are_as_they_were(lab: Lab) -> None:
    lab.commit({"x.py": LIBRARY})
    executor = lab.executor(f"{PYTHON} -c 'import x; print(\"loss:\", x.LOSS)'")
    assert executor.canary(lab.head, ("x.py",)).result(PATIENCE) == Used()
    assert isinstance(executor.submit(lab.job()).result(PATIENCE), Measured)


def test_a_command_that_measures_all_the_same_is_caught(lab: Lab) -> None:
    lab.commit({"x.py": LIBRARY})
    found = canary(lab, "echo loss: 1")
    assert isinstance(found, Unused)
    assert "x.py" in found.message
    assert "canary = false" in found.hint
    absolute = canary(lab, f"{PYTHON} '{lab.root}/x.py'; echo loss: 1")
    assert isinstance(absolute, Unused)
    assert f"names {lab.root}" in absolute.hint


def test_what_is_neither_is_unproved(lab: Lab) -> None:
    lab.commit({"x.py": LIBRARY, "x.json": "{}"})
    no_language = canary(lab, "echo loss: 1", ("x.json",))
    assert isinstance(no_language, Unproved)
    assert "language" in no_language.reason
    no_metric = canary(lab, "echo acc: 1")
    assert isinstance(no_metric, Unproved)
    assert "acc" in no_metric.reason


def test_the_canary_never_writes_through_a_link(lab: Lab) -> None:
    (lab.root.parent / "precious.py").write_text("precious")
    (lab.root / "link.py").symlink_to("../precious.py")
    write(lab.root, {"sets/y.py": "the user's"})
    git(lab.root, "add", "link.py")
    git(lab.root, "commit", "--quiet", "--message=link")
    canary(lab, "true", ("link.py", "sets/y.py"), data=("sets",))
    assert (lab.root.parent / "precious.py").read_text() == "precious"
    assert (lab.root / "sets" / "y.py").read_text() == "the user's"


class Installed:
    """A package in src/ and a virtual environment in the checkout that its command runs with."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.venv = Venv(lab.root / ".venv")
        lab.commit({"src/pkg/__init__.py": "", "src/pkg/model.py": LIBRARY, ".gitignore": ".venv\n"})
        self.command = "python -c 'import pkg.model; print(\"loss:\", pkg.model.LOSS)'"
        path = f"{self.venv.bin}:{os.environ['PATH']}"
        self.options: dict[str, Any] = {"inherited": {**os.environ, "PATH": path}}

    def canary(self, **options: Any) -> CanaryResult:
        return canary(self.lab, self.command, ("src/pkg/model.py",), **self.options, **options)


@pytest.mark.parametrize("how", ["path file", "finder"])
def test_of_an_editable_install_the_candidate_is_measured(lab: Lab, how: str) -> None:
    there = Installed(lab)
    if how == "path file":
        there.venv.install_path(lab.root / "src")
    else:
        there.venv.install_finder({"pkg": f"{lab.root}/src/pkg"})
    assert there.canary() == Used()
    candidate = lab.commit({"src/pkg/model.py": "LOSS = 0.5\n"})
    write(lab.root, {"src/pkg/model.py": "LOSS = 100\n"})
    assert lab.measured(there.command, lab.job(commit=candidate), **there.options).value == 0.5


def test_an_install_that_cannot_be_found_out_is_named_by_the_canary(lab: Lab) -> None:
    there = Installed(lab)
    there.venv.install({"pkg/__init__.py": "", "pkg/model.py": LIBRARY})
    found = there.canary()
    assert isinstance(found, Unused)
    assert found.message == (
        f"src/pkg/model.py is not what runs: the package pkg is imported from {there.venv.site_packages}/pkg/model.py"
    )
    assert found.hint == '[experiment] pythonpath = ["src"]'
    assert there.canary(pythonpath=("src",)) == Used()


def test_errors_of_the_executor_are_ours(lab: Lab) -> None:
    with pytest.raises(ArError):
        lab.executor("true", cache=("../out",))
