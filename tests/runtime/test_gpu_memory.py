"""GPU memory after an experiment, and GPUs that are lost, with a program of that name that tells what a test wants."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch.runtime.gpu_memory import GpuMemory
from tests.support.nvidia import FakeSmi, holder, row, uuid

LOST = "GPU 1 (A100) is no longer there, or does not answer"


@pytest.fixture
def smi(tmp_path: Path) -> FakeSmi:
    return FakeSmi(tmp_path)


def lost(memory: GpuMemory) -> str:
    """Why it is lost, in words; that it is so for good is told where nobody uses it."""
    found = memory.lost()
    assert found is None or found.for_good == ("used by others" not in found.reason)
    return found.reason if found else ""


def rows(*used: object) -> list[str]:
    """All GPUs, with what is in use on each."""
    return [row(index, one) for index, one in enumerate(used)]


def test_memory_that_is_given_back_late_is_waited_for(smi: FakeSmi) -> None:
    smi.tell(rows(400, 12), rows(9000, 12), rows(410, 12))
    assert GpuMemory(smi.path).still_held() == ""
    assert smi.left() == 1


def test_memory_that_stays_is_told_by_gpu(smi: FakeSmi) -> None:
    smi.tell(rows(400, 12), rows(400, 2060))
    assert GpuMemory(smi.path).still_held(patience=0.0) == "GPU 1 (A100) still holds 2 GiB more than before"


@pytest.mark.parametrize("devices", ["0", uuid(0), uuid(0)[:7]])
def test_a_slot_looks_at_its_own_gpus_only(smi: FakeSmi, devices: str) -> None:
    smi.tell(rows(4, 4), rows(4, 9000))
    assert GpuMemory(smi.path, devices).still_held(patience=0.0) == ""
    smi.tell(rows(4, 4), rows(9000, 4))
    assert GpuMemory(smi.path, devices).still_held(patience=0.0) == "GPU 0 (A100) still holds 8.8 GiB more than before"


def test_memory_on_a_shared_gpu_may_be_a_neighbours(smi: FakeSmi) -> None:
    smi.tell(rows(4), rows(9000))
    memory = GpuMemory(smi.path, "0", is_shared=True)
    assert memory.still_held() == ""
    assert lost(memory) == ""


@pytest.mark.parametrize("nonsense", ["N/A", "No devices were found", row(0, "[N/A]"), ""])
def test_a_program_that_does_not_know_is_not_asked_again(smi: FakeSmi, nonsense: str) -> None:
    smi.tell([nonsense], rows(9000), rows(9000))
    assert GpuMemory(smi.path).still_held(patience=0.0) == ""
    assert smi.left() == 2


def test_without_the_program_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    assert GpuMemory(str(tmp_path)).still_held() == ""
    assert lost(GpuMemory(str(tmp_path))) == ""


def test_a_gpu_that_is_as_it_was_is_not_gone(smi: FakeSmi) -> None:
    smi.tell(rows(4, 20000), rows(1800, 20000))
    assert lost(GpuMemory(smi.path, "0,1")) == ""


@pytest.mark.parametrize("now", [rows(4), [row(0), row(1, "[Unknown Error]")], [row(0), row(1, "[GPU is lost]")]])
def test_a_gpu_that_disappears_is_named(smi: FakeSmi, now: list[str]) -> None:
    smi.tell(rows(4, 4), now)
    assert lost(GpuMemory(smi.path, "1")) == LOST
    smi.tell(rows(4, 4), now)
    assert lost(GpuMemory(smi.path, "0")) == ""
    smi.tell(rows(4, 4), now)
    assert lost(GpuMemory(smi.path)) == LOST, "one that sees all GPUs has lost it too"


def test_a_gpu_whose_number_another_one_took_is_gone(smi: FakeSmi) -> None:
    smi.tell([row(0), row(1)], [row(1).replace("1, ", "0, ", 1)])
    memory = GpuMemory(smi.path, "0")
    assert lost(memory) == "GPU 0 (A100) is no longer there, or does not answer"


def test_a_list_that_another_lost_gpu_spoils_says_nothing_about_this_one(smi: FakeSmi) -> None:
    spoilt = ["Unable to determine the device handle for GPU 0000:1A:00.0: GPU is lost."]
    smi.tell(rows(4, 4), spoilt, alone=[row(0)])
    assert lost(GpuMemory(smi.path, "0")) == ""
    smi.tell(rows(4, 4), spoilt, alone=[row(0)])
    assert lost(GpuMemory(smi.path, "1")) == LOST


def test_a_program_that_fails_where_it_worked_is_a_lost_gpu(smi: FakeSmi) -> None:
    smi.tell(rows(4, 4))
    memory = GpuMemory(smi.path, "1")
    smi.breaks()
    assert lost(memory) == LOST
    assert memory.still_held() == ""


def test_a_gpu_that_others_fill_is_told_with_who_they_are(smi: FakeSmi) -> None:
    others = (holder(1, 4242, 31000, "/usr/bin/python"), holder(1, 7, "[N/A]", "jax"), holder(0, 8, 5, "other"))
    smi.tell(rows(4, 4), rows(4, 31744), holders=others)
    told = "GPU 1 (A100) is used by others: python (pid 4242) and 1 more hold 31 GiB on it"
    assert lost(GpuMemory(smi.path, "1")) == told
    smi.tell(rows(4, 4), rows(4, 31744), holders=others)
    assert lost(GpuMemory(smi.path, "0")) == ""


def test_where_a_slot_has_no_gpus_of_its_own_nobody_knows_whom_others_disturb(smi: FakeSmi) -> None:
    smi.tell(rows(4, 4), rows(4, 31744))
    assert lost(GpuMemory(smi.path)) == ""
    smi.tell(rows(4), rows(31744))
    unnamed = "GPU 0 (A100) is used by others: a process that nvidia-smi does not name holds 31 GiB on it"
    assert lost(GpuMemory(smi.path)) == unnamed, "with one GPU it is known"


def test_a_part_of_a_gpu_is_gone_when_it_is_not_listed_any_more(smi: FakeSmi) -> None:
    listed = "GPU 0: NVIDIA A100 (UUID: GPU-0)\n  MIG 1g.10gb     Device  0: (UUID: MIG-77aa)\n"
    smi.tell(rows(9000), parts=listed)
    memory = GpuMemory(smi.path, "MIG-77aa")
    assert lost(memory) == ""
    smi.tell(rows(9000), parts=listed.replace("MIG-77aa", "MIG-88bb"))
    assert lost(memory) == "MIG-77aa (1g.10gb) is no longer there, or does not answer"
