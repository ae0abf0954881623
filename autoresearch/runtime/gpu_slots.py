"""How many samples run side by side, and on which GPUs each: `[run] workers` and `[experiment] gpus`.

Pure, but for the look at the GPUs, which is passed in and taken only where it matters. What a slot is besides its GPUs
is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from autoresearch.errors import ConfigError, RunError
from autoresearch.runtime.gpus import ORDER, VISIBLE, Found
from autoresearch.runtime.nvidia_smi import PROGRAM, Gpu

MOST_NAMED = 4
_NONE_NEEDED = "gpus = 0    in [experiment], where a sample needs none"
_ROUNDED = 0.02
"""So much may be missing from a whole number of samples: 0.167 is a sixth."""


@dataclass(frozen=True, slots=True)
class Slots:
    """One value for CUDA_VISIBLE_DEVICES per slot; empty: the person's environment stays as it is.

    `notes` are for people: who holds what, and what is not used.
    """

    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def are_shared(self) -> bool:
        """May samples of several slots run on the same GPU?"""
        return len(set(self.devices)) < len(self.devices)


@dataclass(frozen=True, slots=True)
class _Need:
    """What samples take: several GPUs each, or `sharing` of them one together."""

    gpus: int
    sharing: int
    told: str

    @classmethod
    def of(cls, gpus: float) -> _Need:
        if gpus <= 1:
            return cls(1, math.floor(1 / gpus + _ROUNDED), f"{gpus:g}")
        if gpus % 1:
            hint = f"gpus = {math.ceil(gpus)}" if math.isfinite(gpus) else _NONE_NEEDED
            raise ConfigError(f"[experiment] gpus = {gpus:g}: above 1 it must be a whole number", hint=hint)
        return cls(int(gpus), 1, f"{gpus:g}")

    def slots_on(self, gpus: int) -> int:
        return gpus // self.gpus * self.sharing


@dataclass(frozen=True, slots=True)
class _Kind:
    """The GPUs that are alike, in the order in which they are listed."""

    free: tuple[Gpu, ...]
    held: tuple[Gpu, ...]

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Free ones first."""
        return self.free + self.held


def share_out(workers: int | None, gpus: float | Literal["all"] | None, find: Callable[[], Found]) -> Slots:
    """The slots for so many samples side by side, each of which needs so many GPUs.

    `workers`: None (auto) takes as many as there is room for on free GPUs of one kind, at least 1. `gpus`: below 1 a
    share of one; None: not configured, which means 1 where there are GPUs, but one worker sees all of them then.
    `find` may take a second; it is not called where no GPU is needed.

    Raises ConfigError for what this machine cannot give, RunError when all of it is in use and `workers` is None.
    """
    if gpus == 0 or (gpus is None and workers == 1):
        return Slots(("",) * (workers or 1))
    found = find()
    if gpus == "all":
        return _all(workers, found)
    if gpus is None and not found.gpus:
        return Slots(("",) * (workers or 1))
    need = _Need.of(1 if gpus is None else gpus)
    if found.is_guess:
        raise ConfigError(
            f"{VISIBLE}={found.listed}: this machine has GPUs of several kinds, and CUDA does not number them as"
            f" {PROGRAM} does",
            hint=f"export {ORDER}=PCI_BUS_ID    or name them by UUID: {PROGRAM} -L",
        )
    kinds = _kinds(found, need)
    if not any(need.slots_on(len(kind.gpus)) for kind in kinds):
        raise _too_few(need, found, kinds)
    return _auto(need, found, kinds) if workers is None else _as_told(workers, need, found, kinds)


def _all(workers: int | None, found: Found) -> Slots:
    if workers not in (None, 1):
        raise ConfigError(
            f'[experiment] gpus = "all": each sample gets all GPUs, so that {workers} cannot run side by side',
            hint="ar run --workers 1    or gpus = 1 in [experiment]",
        )
    # They see all that the person lets them see: that need not be said to them.
    return Slots(("",), tuple(f"{gpu.label} is used although {gpu.held} on it" for gpu in found.gpus if gpu.is_held))


def _kinds(found: Found, need: _Need) -> list[_Kind]:
    """Those with room for most slots first; where that is equal, those with most memory."""
    alike: dict[str, list[Gpu]] = {}
    for gpu in found.gpus:
        alike.setdefault(gpu.kind, []).append(gpu)
    kinds = [
        _Kind(tuple(gpu for gpu in one if not gpu.is_held), tuple(gpu for gpu in one if gpu.is_held))
        for one in alike.values()
    ]
    return sorted(kinds, key=lambda kind: (-need.slots_on(len(kind.free)), -kind.gpus[0].total))


def _auto(need: _Need, found: Found, kinds: Sequence[_Kind]) -> Slots:
    chosen = kinds[0]
    slots = need.slots_on(len(chosen.free))
    if not slots:
        held = [f"{gpu.held} on {gpu.label}" for gpu in found.gpus if gpu.is_held]
        raise RunError(
            f"{_too_many_held(need)}: {_some(held)}",
            hint=f"{VISIBLE}={found.named(chosen.gpus[: need.gpus])} ar run --workers 1    uses that all the same\n"
            f"{_NONE_NEEDED}",
        )
    used = chosen.free[: slots // need.sharing * need.gpus]
    return Slots(_devices(slots, used, need, found), tuple(_unused(found, used, need)))


def _unused(found: Found, used: Sequence[Gpu], need: _Need) -> Iterator[str]:
    """Why, GPU by GPU."""
    for gpu in found.gpus:
        if gpu in used:
            continue
        if gpu.is_held:
            yield f"{gpu.label} is not used: {gpu.held} on it"
        elif gpu.kind != used[0].kind:
            yield f"{gpu.label} is not used: samples on different kinds of GPU cannot be compared"
        else:
            yield f"{gpu.label} is not used: a sample takes {need.gpus}"


def _as_told(workers: int, need: _Need, found: Found, kinds: Sequence[_Kind]) -> Slots:
    """Free ones first, then also those that are in use."""
    kind = next((kind for kind in kinds if need.slots_on(len(kind.gpus)) >= workers), None)
    if kind is None:
        raise _no_room(workers, need, found, kinds)
    pool = kind.gpus[: max(len(kind.free), math.ceil(workers / need.sharing) * need.gpus)]
    devices = _devices(workers, pool, need, found)
    used = pool[: workers * need.gpus]
    return Slots(devices, tuple(f"{gpu.label} is used although {gpu.held} on it" for gpu in used if gpu.is_held))


def _devices(slots: int, gpus: Sequence[Gpu], need: _Need, found: Found) -> tuple[str, ...]:
    """By turns where they are shared: two samples on two GPUs need not share one."""
    if need.gpus == 1:
        return tuple(found.named([gpus[slot % len(gpus)]]) for slot in range(slots))
    return tuple(found.named(gpus[slot * need.gpus : (slot + 1) * need.gpus]) for slot in range(slots))


def _no_room(workers: int, need: _Need, found: Found, kinds: Sequence[_Kind]) -> ConfigError:
    most = max(need.slots_on(len(kind.gpus)) for kind in kinds)
    wanted = f"{workers} samples side by side, {_each(need)},"
    if sum(need.slots_on(len(kind.gpus)) for kind in kinds) >= workers:
        message = f"{wanted} would take GPUs of different kinds ({_there(kinds)}): they could not be compared"
    else:
        message = f"{wanted} are too many: {_where(found)} {_there(kinds)}, room for {most}"
    return ConfigError(message, hint=f"ar run --workers {most}    or auto\n{_NONE_NEEDED}; 0.5: two share one")


def _too_few(need: _Need, found: Found, kinds: Sequence[_Kind]) -> ConfigError:
    told = f"[experiment] gpus = {need.told}: "
    if not kinds:
        return ConfigError(f"{told}{_where(found)} none that {PROGRAM} names", hint=_NONE_NEEDED)
    if len(found.gpus) >= need.gpus:
        return ConfigError(
            f"{told}a sample would take GPUs of different kinds ({_there(kinds)})",
            hint='gpus = "all"    for one sample at a time, which sees all of them',
        )
    return ConfigError(f"{told}{_where(found)} {_there(kinds)}", hint=f"gpus = {len(found.gpus)}\n{_NONE_NEEDED}")


def _too_many_held(need: _Need) -> str:
    return "no GPU is free" if need.gpus == 1 else f"fewer than {need.gpus} GPUs of one kind are free"


def _each(need: _Need) -> str:
    if need.sharing > 1:
        return f"{need.sharing} to a GPU"
    return "a GPU each" if need.gpus == 1 else f"{need.gpus} GPUs each"


def _where(found: Found) -> str:
    return "this machine has" if found.listed is None else f"{VISIBLE}={found.listed} shows"


def _there(kinds: Sequence[_Kind]) -> str:
    return " and ".join(f"{len(kind.gpus)} x {kind.gpus[0].kind}" for kind in kinds)


def _some(words: Sequence[str]) -> str:
    more = len(words) - MOST_NAMED
    return "; ".join(words[:MOST_NAMED]) + (f"; {more} more" if more > 0 else "")
