"""What all slots share, where nothing keeps an experiment from it: who is told of a change, and what is put back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from autoresearch.core.experiment import Execution, Measured, Outcome, Unmeasured
from autoresearch.errors import SampleLost
from autoresearch.runtime.executor import LocalExecutor
from autoresearch.runtime.protection import Restorable
from tests.runtime.test_executor import PATIENCE, Lab, until
from tests.support.nvidia import FakeSmi, row
from tests.support.repositories import git, write

TWO = ("", "")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "repo")
    (made.root / ".git" / "hooks").mkdir(exist_ok=True)
    yield made
    for executor in made.executors:
        executor.close()


@pytest.fixture
def hook(lab: Lab) -> Path:
    return lab.root / ".git" / "hooks" / "post-checkout"


def planting(hook: Path) -> str:
    return f"printf '#!/bin/sh\\n' > '{hook}'; chmod +x '{hook}'"


class Steps:
    """A command that does what the first experiment does, says when it has begun, and waits for a word."""

    def __init__(self, folder: Path, first: str = "true") -> None:
        self.folder = folder
        here = f"'{folder}'"
        self.command = (
            f'if [ "$AR_EXPERIMENT" = 1 ]; then {first}; fi; touch {here}/begun$AR_EXPERIMENT; '
            f"until [ -e {here}/go$AR_EXPERIMENT ]; do sleep 0.01; done; echo loss: 1"
        )

    def begin(self, lab: Lab, executor: LocalExecutor, number: int, slot: int) -> Future[Execution]:
        future = executor.submit(lab.job(number, slot=slot))
        until(lambda: future.done() or (self.folder / f"begun{number}").exists())
        return future

    def end(self, number: int, future: Future[Execution]) -> Execution:
        (self.folder / f"go{number}").touch()
        return future.result(PATIENCE)


def tampered(execution: Execution) -> str:
    assert isinstance(execution, Unmeasured), execution
    assert execution.outcome is Outcome.TAMPERED
    return execution.reason


def test_a_hook_is_gone_before_the_next_slot_begins_and_stays_so(lab: Lab, hook: Path, tmp_path: Path) -> None:
    steps = Steps(tmp_path, planting(hook))
    executor = lab.executor(steps.command, devices=TWO)
    first = steps.begin(lab, executor, 1, slot=0)
    assert hook.exists()
    second = steps.begin(lab, executor, 2, slot=1)
    assert not hook.exists()
    assert "post-checkout (added)" in tampered(steps.end(1, first))
    assert isinstance(steps.end(2, second), Measured), "it began when all was well"
    assert not hook.exists()
    assert (lab.layout.tampered(1) / "hooks" / "post-checkout").exists()


def test_a_change_while_two_run_is_put_back_once_and_counts_against_both(lab: Lab, hook: Path, tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    executor = lab.executor(steps.command, devices=TWO)
    futures = {number: steps.begin(lab, executor, number, slot=number - 1) for number in (1, 2)}
    config = lab.root / ".git" / "config"
    before = config.read_bytes()
    git(lab.root, "config", "core.pager", "evil")
    assert "config (changed)" in tampered(steps.end(1, futures[1]))
    assert config.read_bytes() == before
    put_back = config.stat()
    third = steps.begin(lab, executor, 3, slot=0)
    assert "config (changed)" in tampered(steps.end(2, futures[2]))
    assert isinstance(steps.end(3, third), Measured)
    assert config.stat() == put_back, "only once"
    assert b"evil" in (lab.layout.tampered(1) / "config").read_bytes()


def test_what_the_person_changes_while_nothing_runs_stays(lab: Lab, hook: Path, tmp_path: Path) -> None:
    executor = lab.executor("echo loss: 1", devices=TWO)
    for number in (1, 2):
        assert isinstance(executor.submit(lab.job(number, slot=number % 2)).result(PATIENCE), Measured)
        git(lab.root, "config", "core.pager", f"mine{number}")
        hook.write_text(f"mine {number}")
    assert isinstance(executor.submit(lab.job(3)).result(PATIENCE), Measured)
    assert (git(lab.root, "config", "core.pager"), hook.read_text()) == ("mine2", "mine 2")


def test_branches_and_data_are_told_once_and_not_put_back(lab: Lab, tmp_path: Path) -> None:
    write(lab.root, {"sets/a.txt": "3"})
    steps = Steps(tmp_path, f"git branch evil; echo 4 > '{lab.root}/sets/a.txt'")
    executor = lab.executor(steps.command, devices=TWO, data=("sets",))
    second = steps.begin(lab, executor, 2, slot=1)
    reason = tampered(steps.end(1, steps.begin(lab, executor, 1, slot=0)))
    assert ("refs/heads/evil" in reason, "a.txt" in reason) == (True, True)
    third = steps.begin(lab, executor, 3, slot=0)
    assert tampered(steps.end(2, second)) == reason
    assert isinstance(steps.end(3, third), Measured)
    assert (lab.root / "sets" / "a.txt").read_text() == "4\n"


def test_what_a_setup_does_is_found_too(lab: Lab, hook: Path) -> None:
    for setup in (planting(hook), f"{planting(hook)}; exit 1"):
        assert "post-checkout" in tampered(lab.run("echo loss: 1", lab.job(1), setup=setup))
        assert not hook.exists()


def test_a_gpu_that_is_lost_leaves_no_hook(lab: Lab, hook: Path, tmp_path: Path) -> None:
    smi = FakeSmi(tmp_path)
    options = {"inherited": {**os.environ, "PATH": smi.path}, "devices": ("0",)}
    smi.tell([row(0)], [])
    with pytest.raises(SampleLost):
        lab.run("exit 3", lab.job(1), **options)
    smi.tell([row(0)], [])
    assert "post-checkout" in tampered(lab.run(f"{planting(hook)}; exit 3", lab.job(2), **options))
    assert not hook.exists()


# --- what is put back


CHANGES = {
    "written": "echo evil > hooks/mine",
    "removed": "rm -r hooks/mine config info",
    "a link turned": "ln -sf /evil hooks/linked",
    "a link that became a file": "rm hooks/linked; echo evil > hooks/linked",
    "a link written through": "rm hooks/mine; ln -s ../evil hooks/mine; echo evil > evil",
    "a folder that became a link": "mv hooks evil; echo evil > evil/post-checkout; ln -s evil hooks",
    "a folder that became a file": "rm -r hooks; echo evil > hooks",
    "a file that became a folder": "rm config; mkdir -p config/deep; echo evil > config/deep/file",
    "a pipe": "mkfifo hooks/post-checkout",
    "closed": "chmod 0 hooks/mine; chmod 500 hooks",
}


def looks(common: Path) -> dict[str, tuple[int, str]]:
    """Everything but folders, with mode and content."""
    found = {}
    for top in ("config", "info", "hooks"):
        for path in (common / top, *(common / top).rglob("*")):
            if path.is_symlink():
                found[str(path)] = (0, str(path.readlink()))
            elif not path.is_dir():
                found[str(path)] = (path.stat().st_mode, path.read_text())
    return found


@pytest.mark.parametrize("how", CHANGES)
def test_settings_and_hooks_are_put_back_whatever_they_became(tmp_path: Path, how: str) -> None:
    common, aside = tmp_path / "git", tmp_path / "aside"
    write(common, {"config": "[core]\n", "info/exclude": "x\n", "hooks/mine": "#!/bin/sh\n", "shared/hook": "mine\n"})
    (common / "hooks" / "mine").chmod(0o755)
    (common / "hooks" / "linked").symlink_to("../shared/hook")
    before = looks(common)
    settings = Restorable(common)
    assert settings.restore(aside) == [], "a link of the person's is as good as a file"
    for _ in range(2):
        assert os.system(f"cd '{common}' && {CHANGES[how]}") == 0
        assert settings.restore(aside)
        assert looks(common) == before
        assert (common / "shared" / "hook").read_text() == "mine\n"
    (common / "hooks").chmod(0o755)


def test_what_was_found_lies_aside_whatever_lay_there_before(tmp_path: Path) -> None:
    common, aside = tmp_path / "git", tmp_path / "aside"
    write(common, {"hooks/mine": "#!/bin/sh\n"})
    settings = Restorable(common)
    assert os.system(f"cd '{common}'; mv hooks evil; ln -s evil hooks") == 0
    settings.restore(aside)
    assert (aside / "hooks").is_symlink()
    (common / "hooks" / "mine").write_text("evil")
    settings.restore(aside)
    assert (aside / "hooks" / "mine").read_text() == "evil"
    assert (common / "evil" / "mine").read_text() == "#!/bin/sh\n"
