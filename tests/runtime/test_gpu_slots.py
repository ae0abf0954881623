"""Sharing out GPUs: how many samples side by side, which GPUs each of them gets, and what people are told."""

from __future__ import annotations

from typing import Literal

import pytest

from autoresearch.errors import ConfigError, RunError
from autoresearch.runtime.gpu_slots import Slots, share_out
from autoresearch.runtime.gpus import Found
from autoresearch.runtime.nvidia_smi import Gpu, Holder

GIB = 1024
PYTHON = (Holder("python", 4242),)


def gpu(index: int, *, held: bool = False, name: str = "A100", total: int = 80 * GIB) -> Gpu:
    return Gpu(index, f"GPU-{index}", name, total, 31 * GIB if held else 4, PYTHON if held else ())


def t4(index: int, *, held: bool = False) -> Gpu:
    return gpu(index, held=held, name="T4", total=15 * GIB)


def a100s(number: int, held: tuple[int, ...] = ()) -> Found:
    return Found(tuple(gpu(index, held=index in held) for index in range(number)))


def shared(workers: int | None, gpus: float | Literal["all"] | None, found: Found) -> Slots:
    return share_out(workers, gpus, lambda: found)


def unasked() -> Found:
    raise AssertionError("nobody needs to know")


@pytest.mark.parametrize("workers", [1, 4])
def test_samples_that_need_no_gpu_leave_everything_as_it_is(workers: int) -> None:
    assert share_out(workers, 0, unasked) == Slots(("",) * workers)


def test_one_sample_at_a_time_sees_all_gpus_unless_the_file_says_otherwise() -> None:
    assert share_out(None, 0, unasked) == Slots(("",))
    assert share_out(1, None, unasked) == Slots(("",))
    assert shared(1, 1, a100s(4)) == Slots(("0",))


def test_without_a_gpu_there_are_as_many_slots_as_wanted() -> None:
    assert shared(3, None, Found()) == Slots(("", "", ""))
    assert shared(None, None, Found()) == Slots(("",))


@pytest.mark.parametrize(
    ("gpus", "devices"),
    [
        (None, ("0", "1", "2", "3")),
        (1, ("0", "1", "2", "3")),
        (2, ("0,1", "2,3")),
        (4, ("0,1,2,3",)),
        (0.5, ("0", "1", "2", "3") * 2),
        (0.34, ("0", "1", "2", "3") * 2),
        (0.334, ("0", "1", "2", "3") * 3),
        (0.167, ("0", "1", "2", "3") * 6),
        (0.3, ("0", "1", "2", "3") * 3),
        (0.1, ("0", "1", "2", "3") * 10),
        (0.75, ("0", "1", "2", "3")),
    ],
)
def test_auto_takes_all_there_is_room_for(gpus: float | None, devices: tuple[str, ...]) -> None:
    assert shared(None, gpus, a100s(4)) == Slots(devices)


def test_what_auto_does_not_take_is_named() -> None:
    slots = shared(None, 1, a100s(3, held=(1,)))
    assert slots == Slots(("0", "2"), ("GPU 1 (A100) is not used: python (pid 4242) holds 31 GiB on it",))
    assert shared(None, 2, a100s(3)) == Slots(("0,1",), ("GPU 2 (A100) is not used: a sample takes 2",))
    assert shared(None, 2, a100s(5, held=(1,))).devices == ("0,2", "3,4")


def test_auto_takes_the_kind_with_most_free_slots() -> None:
    found = Found((gpu(0), t4(1), t4(2), t4(3, held=True)))
    slots = shared(None, 1, found)
    assert slots.devices == ("1", "2")
    assert slots.notes == (
        "GPU 0 (A100) is not used: samples on different kinds of GPU cannot be compared",
        "GPU 3 (T4) is not used: python (pid 4242) holds 31 GiB on it",
    )
    assert shared(None, 1, Found((t4(0), gpu(1)))).devices == ("1",), "of equally many the larger ones"


def test_where_nothing_is_free_auto_says_who_works_there_and_how_to_go_on() -> None:
    with pytest.raises(RunError) as told:
        shared(None, None, a100s(2, held=(0, 1)))
    assert told.value.message == (
        "no GPU is free: python (pid 4242) holds 31 GiB on GPU 0 (A100); python (pid 4242) holds 31 GiB on GPU 1 (A100)"
    )
    assert "CUDA_VISIBLE_DEVICES=0 ar run --workers 1" in told.value.hint
    with pytest.raises(RunError, match="fewer than 2 GPUs of one kind are free"):
        shared(None, 2, a100s(2, held=(0,)))
    with pytest.raises(RunError, match=r"; 3 more$"):
        shared(None, 1, a100s(7, held=tuple(range(7))))


def test_a_number_takes_free_gpus_first_and_then_the_others_with_a_note() -> None:
    found = a100s(3, held=(0,))
    assert shared(2, None, found) == Slots(("1", "2"))
    note = "GPU 0 (A100) is used although python (pid 4242) holds 31 GiB on it"
    assert shared(3, None, found) == Slots(("1", "2", "0"), (note,))
    assert shared(1, 1, a100s(1, held=(0,))) == Slots(("0",), (note,))
    assert shared(2, 2, a100s(4, held=(0, 2))).devices == ("1,3", "0,2")


def test_samples_share_a_gpu_only_where_they_must() -> None:
    assert shared(2, 0.5, a100s(2)) == Slots(("0", "1"))
    assert shared(3, 0.5, a100s(2)) == Slots(("0", "1", "0"))
    assert shared(2, 0.5, a100s(2, held=(0,))) == Slots(("1", "1"))
    assert shared(3, 0.5, a100s(3, held=(0, 1))).devices == ("2", "0", "2")
    assert shared(5, 0.5, a100s(6, held=(4, 5))) == Slots(("0", "1", "2", "3", "0"))


@pytest.mark.parametrize(
    ("workers", "gpus", "are_shared"), [(2, 0.5, False), (3, 0.5, True), (2, 0, True), (1, 0, False)]
)
def test_slots_know_whether_they_share_gpus(workers: int, gpus: float, are_shared: bool) -> None:
    assert shared(workers, gpus, a100s(2)).are_shared is are_shared


def test_a_number_stays_with_one_kind() -> None:
    found = Found((t4(0), gpu(1), gpu(2), t4(3, held=True)))
    assert shared(2, 1, found).devices == ("1", "2")
    with pytest.raises(ConfigError) as told:
        shared(3, 1, found)
    assert told.value.message == (
        "3 samples side by side, a GPU each, would take GPUs of different kinds (2 x A100 (80 GiB) and"
        " 2 x T4 (15 GiB)): they could not be compared"
    )
    with pytest.raises(ConfigError, match="a sample would take GPUs of different kinds"):
        shared(1, 3, found)


@pytest.mark.parametrize(
    ("workers", "gpus", "message", "hint"),
    [
        (
            5,
            None,
            "5 samples side by side, a GPU each, are too many: this machine has 2 x A100 (80 GiB), room for 2",
            2,
        ),
        (5, 0.5, "5 samples side by side, 2 to a GPU, are too many: this machine has 2 x A100 (80 GiB), room for 4", 4),
        (2, 2, "2 samples side by side, 2 GPUs each, are too many: this machine has 2 x A100 (80 GiB), room for 1", 1),
    ],
)
def test_more_than_the_machine_has_is_refused(workers: int, gpus: float | None, message: str, hint: int) -> None:
    with pytest.raises(ConfigError) as told:
        shared(workers, gpus, a100s(2, held=(0, 1)))
    assert told.value.message == message
    assert f"ar run --workers {hint} " in told.value.hint
    assert "gpus = 0 " in told.value.hint


def test_what_the_person_hides_is_not_there() -> None:
    hidden = Found((gpu(2),), listed="2")
    with pytest.raises(ConfigError, match=r"CUDA_VISIBLE_DEVICES=2 shows 1 x A100 \(80 GiB\), room for 1"):
        shared(2, None, hidden)
    with pytest.raises(ConfigError, match="gpus = 1: CUDA_VISIBLE_DEVICES= shows none"):
        shared(1, 1, Found(listed=""))


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_a_sample_that_needs_more_gpus_than_there_are_is_refused(workers: int | None) -> None:
    with pytest.raises(ConfigError, match=r"gpus = 4: this machine has 2 x A100 \(80 GiB\)$") as told:
        shared(workers, 4, a100s(2))
    assert told.value.hint.startswith("gpus = 2\ngpus = 0 ")
    with pytest.raises(ConfigError, match=r"gpus = 0\.3: this machine has none that nvidia-smi names"):
        shared(workers, 0.3, Found())


@pytest.mark.parametrize(("gpus", "hint"), [(1.5, "gpus = 2"), (float("inf"), "gpus = 0"), (float("nan"), "gpus = 0")])
def test_above_one_only_whole_numbers_can_be(gpus: float, hint: str) -> None:
    with pytest.raises(ConfigError, match="it must be a whole number") as told:
        shared(1, gpus, a100s(4))
    assert told.value.hint.startswith(hint)


def test_one_sample_can_have_all() -> None:
    found = Found((gpu(0), t4(1, held=True)))
    note = "GPU 1 (T4) is used although python (pid 4242) holds 31 GiB on it"
    assert shared(1, "all", found) == shared(None, "all", found) == Slots(("",), (note,))
    assert shared(None, "all", Found()) == Slots(("",))
    with pytest.raises(ConfigError, match="2 cannot run side by side"):
        shared(2, "all", found)


def test_uncertain_numbers_are_refused_where_gpus_are_shared_out_only() -> None:
    found = Found((gpu(0),), listed="0", is_guess=True)
    with pytest.raises(ConfigError, match="does") as told:
        shared(None, None, found)
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in told.value.hint
    assert shared(1, "all", found) == Slots(("",))


def test_parts_are_slots_like_whole_ones() -> None:
    parts = tuple(Gpu(-1, f"MIG-{number}", "1g.10gb", 0) for number in range(2))
    assert shared(None, 1, Found(parts, listed="MIG-0,MIG-1", by_uuid=True)).devices == ("MIG-0", "MIG-1")
