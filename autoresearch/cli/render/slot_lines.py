"""Lines of the live region for what goes on, from what is known of it and the time.

With one slot a line for each thing; with several a line for each slot, always at the same place, and one for all the
proposals that are thought of. Not in here: what is known (`under_way`), and how high the screen is (`board`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from autoresearch.cli.render.bars import bar, bar_width
from autoresearch.cli.render.text import clean, cut, fit, pad
from autoresearch.cli.render.under_way import Running, UnderWay, Waiting
from autoresearch.core.quantity import format_duration

INDENT = 4
LONGEST_DEVICE = 5
"""Letters; where devices have longer names, a line begins with the number of the slot."""
SHORT_BAR = 8
NAMED = 4
"""So many proposals are named; more are counted."""


def slot_lines(known: UnderWay, devices: Sequence[str], width: int, now: float) -> list[Text]:
    """A line for each slot up to the last that is busy: none moves when a neighbour ends."""
    if len(devices) <= 1:
        return [_only(one, width, now) for _, one in sorted(known.slots.items())]
    rows = [(_label(slot, devices), known.slots.get(slot)) for slot in range(max(known.slots, default=-1) + 1)]
    return _table(rows, width, now)


def _label(slot: int, devices: Sequence[str]) -> str:
    """`gpu 3`, or the slot's number where that says nothing or too much."""
    tell = len(set(devices)) == len(devices) and all(0 < len(one) <= LONGEST_DEVICE for one in devices)
    return f"gpu {clean(devices[slot])}" if tell and slot < len(devices) else str(slot)


def _only(one: Running, width: int, now: float) -> Text:
    """` #12 sampling, sample 2  ━━━━─────────  4 s of 1m 18s  LR 0.003 → 0.0021`."""
    line = Text(f" {_head(one)}", style="bold")
    if one.limit is not None:
        line.append("  ").append_text(_bar(one, one.limit, bar_width(width) // 2, now))
    line.append(f"  {_time(one, now)}", style="not bold")
    return cut(line.append("  " + clean(one.title), style="not bold"), width)


def _table(rows: Sequence[tuple[str, Running | None]], width: int, now: float) -> list[Text]:
    """The same in columns, after the slots' names."""
    busy = [one for _, one in rows if one is not None]
    label = max((len(label) for label, _ in rows), default=0)
    head = max((len(_head(one)) for one in busy), default=0)
    time = max((len(_time(one, now)) for one in busy), default=0)
    lines = []
    for name, one in rows:
        line = Text(f" {name:>{label}}  ")
        if one is None:
            lines.append(line.append("–", style="dim"))
            continue
        line.append(f"{_head(one):<{head}}", style="bold").append("  ")
        line.append_text(Text(" " * SHORT_BAR) if one.limit is None else _bar(one, one.limit, SHORT_BAR, now))
        lines.append(cut(line.append(f"  {pad(_time(one, now), time)}  {clean(one.title)}"), width))
    return lines


def _head(one: Running) -> str:
    return f"#{one.number} {one.doing}"


def _bar(one: Running, limit: float, width: int, now: float) -> Text:
    return bar(max(now - one.since, 0.0) / limit if limit > 0 else 1.0, width)


def _time(one: Running, now: float) -> str:
    elapsed = _since(one.since, now)
    return elapsed if one.limit is None else f"{elapsed} of {format_duration(one.limit)}"


def other_lines(known: UnderWay, devices: Sequence[str], width: int, now: float) -> list[Text]:
    """What is thought of; where nothing else is known, what waits; and some output."""
    lines = _thinking(known, len(devices) > 1, width, now)
    if not known.slots and not lines:
        lines = [_waiting(number, one, width, now) for number, one in known.waiting]
    if not known.slots and not lines:
        lines = [Text(" one moment", style="dim")]
    return [*lines, _output(known, len(devices) > 1, width)]


def _waiting(number: int, one: Waiting, width: int, now: float) -> Text:
    line = Text(f" #{number} next is", style="bold")
    return cut(line.append(f"  {_since(one.since, now)}  {clean(one.title)}", style="not bold"), width)


def _since(instant: float, now: float) -> str:
    return format_duration(int(max(now - instant, 0.0)))


def _thinking(known: UnderWay, are_several: bool, width: int, now: float) -> list[Text]:
    """` thinking of #21, #22 (12 s)`; the only one of the only slot has a line like a sample's."""
    thoughts = known.thoughts(now)
    if not thoughts:
        return []
    longest = format_duration(int(max(one.seconds for one in thoughts)))
    if len(thoughts) == 1 and not are_several:
        line = Text(f" #{thoughts[0].number} proposing", style="bold").append(f"  {longest}", style="not bold")
        return [cut(line, width)]
    names = [f"#{one.number}{' again' * known.is_open(one.number)}" for one in thoughts]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [cut(Text(f" thinking of {', '.join(names[:NAMED])}{more} ({longest})"), width)]


def _output(known: UnderWay, are_several: bool, width: int) -> Text:
    """Of the first slot that has some: with several the same one for as long as it can be."""
    said = next((one for _, one in sorted(known.slots.items()) if one.output), None)
    if said is None:
        return Text("")
    text = f"#{said.number}: {said.output}" if are_several else said.output
    return Text(" " * INDENT + fit(text, width - INDENT), style="dim")
