"""Which GPUs commands see, and who works on them, with a program `nvidia-smi` that tells what a test wants."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch.runtime.gpus import Found, find
from autoresearch.runtime.nvidia_smi import Gpu, Holder, NvidiaSmi
from tests.support.nvidia import MIB, FakeSmi, holder, row, uuid

PARTS = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-01a2b3c4)
  MIG 2g.20gb     Device  0: (UUID: MIG-377e0049-554c-540b-93c6-d0976f8426cb)
  MIG 1g.10gb     Device  1: (UUID: MIG-f39aa248-6f1b-5769-b119-8d650bb34b27)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-11a2b3c4)
"""
MIXED = [row(0), row(1, name="NVIDIA T4", total=15360), row(2)]
ALIKE = [row(0), row(1), row(2)]


@pytest.fixture
def smi(tmp_path: Path) -> FakeSmi:
    return FakeSmi(tmp_path)


def seen(smi: FakeSmi, **variables: str) -> Found:
    return find({"PATH": smi.path, **variables})


def visible(smi: FakeSmi, listed: str) -> list[str]:
    return [gpu.uuid for gpu in seen(smi, CUDA_VISIBLE_DEVICES=listed).gpus]


def test_every_gpu_is_found_with_its_memory(smi: FakeSmi) -> None:
    smi.tell([row(0, 17), row(1, 4, "Tesla T4", 15360)])
    first, second = Gpu(0, uuid(0), "A100", MIB, 17), Gpu(1, uuid(1), "Tesla T4", 15360, 4)
    assert seen(smi).gpus == (first, second)
    assert [gpu.label for gpu in (first, second)] == ["GPU 0 (A100)", "GPU 1 (Tesla T4)"]


def test_without_the_program_there_are_none(tmp_path: Path) -> None:
    assert find({"PATH": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0,MIG-1"}).gpus == ()


def test_a_program_that_fails_names_none(smi: FakeSmi) -> None:
    smi.breaks()
    assert seen(smi).gpus == ()


@pytest.mark.parametrize("hangs", ["sleep 600 & wait", "exec sleep 600"])
def test_a_program_that_hangs_is_ended_with_all_it_started(smi: FakeSmi, hangs: str) -> None:
    held = smi.folder / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    smi.breaks(f"exec 3> {held}; {hangs}")
    assert NvidiaSmi(smi.path, answer_within=0.5).gpus() == ()
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b"", "nobody has it open any more"
    os.close(reader)


def test_words_instead_of_memory_are_no_memory(smi: FakeSmi) -> None:
    smi.tell([row(0, "[N/A]", "NVIDIA GB10", "[N/A]")])
    assert seen(smi).gpus == (Gpu(0, uuid(0), "GB10", 0),)


def test_holders_are_named_also_where_the_path_has_commas_and_escapes(smi: FakeSmi) -> None:
    smi.tell(
        [row(0, 300), row(1, 31744)],
        holders=(holder(0, 5, 290, "[Not Found]"), holder(1, 4242, "[N/A]", "/opt/a, b/\x1b[31mpython")),
    )
    first, second = seen(smi).gpus
    assert (first.holders, second.holders) == ((Holder("", 5),), (Holder("python", 4242),))
    assert first.held == "the process with pid 5 holds 0.29 GiB"
    assert second.held == "python (pid 4242) holds 31 GiB"


@pytest.mark.parametrize(("used", "is_held"), [("1000", False), ("1100", True), ("[N/A]", False)])
def test_memory_in_use_is_somebodys_also_where_no_process_is_named(smi: FakeSmi, used: str, is_held: bool) -> None:
    smi.tell([row(0, used)])
    assert seen(smi).gpus[0].is_held is is_held


def test_nvidias_own_server_for_those_who_share_a_gpu_is_nobody(smi: FakeSmi) -> None:
    smi.tell([row(0, 34)], holders=(holder(0, 9, 30, "nvidia-cuda-mps-server"),))
    assert not seen(smi).gpus[0].is_held
    smi.tell([row(0, 34)], holders=(holder(0, 9, 30, "nvidia-cuda-mps-serve"),))
    assert seen(smi).gpus[0].is_held


@pytest.mark.parametrize(
    ("listed", "numbers"),
    [
        ("0,1,2", [0, 1, 2]),
        ("2, 0", [2, 0]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0,-1,2", [0]),
        ("1,7,0", [1]),
        ("1,,0", [1]),
        ("0,0", []),
        ("1,0,1", []),
        (uuid(1), [1]),
        ("GPU-2,GPU-01a", [2, 0]),
        ("GPU-9,GPU-0", []),
        ("GPU-0,GPU-9,GPU-1", [0]),
        ("GPU-", []),
        ("GPU-1,1", []),
    ],
)
def test_the_persons_choice_is_read_as_cuda_does(smi: FakeSmi, listed: str, numbers: list[int]) -> None:
    smi.tell(ALIKE)
    assert visible(smi, listed) == [uuid(number) for number in numbers]


def test_a_gpu_is_named_by_its_number_unless_the_person_names_it_otherwise(smi: FakeSmi) -> None:
    smi.tell(ALIKE)
    everything, chosen = seen(smi), seen(smi, CUDA_VISIBLE_DEVICES="2,1")
    assert everything.named(everything.gpus[1:]) == "1,2"
    assert chosen.named(chosen.gpus) == "2,1"
    by_uuid = seen(smi, CUDA_VISIBLE_DEVICES="GPU-1,GPU-2")
    assert by_uuid.named(by_uuid.gpus) == f"{uuid(1)},{uuid(2)}"


def test_numbers_mean_nothing_certain_among_gpus_of_several_kinds(smi: FakeSmi) -> None:
    smi.tell(MIXED)
    everything, chosen = seen(smi), seen(smi, CUDA_VISIBLE_DEVICES="1")
    assert everything.named(everything.gpus[:1]) == uuid(0)
    assert not everything.is_guess
    assert chosen.is_guess
    assert not seen(smi, CUDA_VISIBLE_DEVICES="GPU-1").is_guess
    ordered = seen(smi, CUDA_VISIBLE_DEVICES="1", CUDA_DEVICE_ORDER="PCI_BUS_ID")
    assert not ordered.is_guess
    assert ordered.named(ordered.gpus) == "1"


def test_some_mib_less_for_a_screen_are_no_other_kind(smi: FakeSmi) -> None:
    smi.tell([row(0, total=11169), row(1, total=11178)])
    found = seen(smi)
    assert found.named(found.gpus) == "0,1"


def test_parts_are_found_under_their_own_names(smi: FakeSmi) -> None:
    smi.tell([row(0), row(1)], parts=PARTS)
    found = seen(smi, CUDA_VISIBLE_DEVICES="MIG-f39aa248,MIG-377e0049-554c-540b-93c6-d0976f8426cb")
    assert [gpu.name for gpu in found.gpus] == ["1g.10gb", "2g.20gb"]
    assert found.named(found.gpus[:1]) == "MIG-f39aa248-6f1b-5769-b119-8d650bb34b27"
    assert visible(smi, "MIG-0") == []


def test_parts_that_the_program_does_not_list_are_believed(smi: FakeSmi) -> None:
    smi.tell([row(0)], parts="GPU 0: NVIDIA A100 (UUID: GPU-0)\n")
    assert visible(smi, "MIG-GPU-0/1/0,MIG-GPU-0/2/0") == ["MIG-GPU-0/1/0", "MIG-GPU-0/2/0"]
