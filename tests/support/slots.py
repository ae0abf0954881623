"""A task for several slots: three constants in files of their own, and experiments that can be held where they are.

Each command notes where it runs (`up-N`), and when it begins and ends. `how` says what all but the baseline do. What is
not here: what must come of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.support.repositories import make_repository, state_of
from tests.support.running import until
from tests.support.toy import Toy

MEASURE = """\
. ./a.sh; . ./b.sh; . ./c.sh
begun=$(date +%s%N)
if [ "$AR_EXPERIMENT" != 0 ]; then
    pwd > "$OUT/up.$AR_EXPERIMENT"
    mv "$OUT/up.$AR_EXPERIMENT" "$OUT/up-$AR_EXPERIMENT"
    case $(cat "$OUT/how" 2>/dev/null) in
        polite) trap 'echo asked > "$OUT/told-$AR_EXPERIMENT"; exit 0' TERM; sleep 600 & wait ;;
        stubborn) trap '' TERM; sleep 600; sleep 600 ;;
        wait) until [ -e "$OUT/go" ]; do sleep 0.02; done ;;
        together) for other in 1 2 3; do until [ -e "$OUT/up-$other" ]; do sleep 0.02; done; done ;;
    esac
fi
[ -z "$NOISE" ] || sleep 0.0$((AR_SEED % 3))
echo "$AR_EXPERIMENT $begun $(date +%s%N)" >> "$OUT/times"
echo "loss: $((A + B + C + ${NOISE:-0} * (AR_SEED / 7 % 5)))"
"""
CONFIG = """\
goal = "a small loss"
editable = ["*.sh"]

[experiment]
command = "sh run/measure"
canary = false
stop_grace = "30m"
write_paths = ["{outside}"]
env = {{ OUT = "{outside}", NOISE = "{noise}" }}

[metric]
name = "loss"
direction = "min"
seed = "not random"
{more}
"""
MODEL = '[proposer]\nmodel = "openai/stub"\napi_base = "{}"'


class SlotsToy(Toy):
    """Its `outside` is what the experiments write to."""

    @property
    def outside(self) -> Path:
        return self.root.parent / "outside"

    def holds(self, how: str) -> None:
        """From now on all experiments but the baseline do that."""
        (self.outside / "how").write_text(f"{how}\n")

    def lets_go(self) -> None:
        """Those that wait."""
        (self.outside / "go").touch()

    def await_up(self, numbers: list[int]) -> list[Path]:
        """Wait until these experiments run; the folders in which they do."""
        files = [self.outside / f"up-{number}" for number in numbers]
        until(lambda: all(file.exists() for file in files), f"experiments {numbers} run side by side")
        if (self.outside / "how").read_text().strip() in ("polite", "stubborn"):
            # What begins a moment later is not asked to end with the rest.
            asleep = lambda: sum(one.startswith("sleep 600") for one in self.processes())  # noqa: E731
            until(lambda: asleep() >= len(numbers), "all that is to be ended has begun")
        return [Path(file.read_text().strip()) for file in files]

    def told(self, number: int) -> bool:  # type: ignore[override]
        """Was this experiment asked to end?"""
        return (self.outside / f"told-{number}").exists()

    def times(self) -> dict[int, tuple[int, int]]:
        """Begin and end of the first sample of each experiment that came to its end, in nanoseconds."""
        rows = [line.split() for line in reversed((self.outside / "times").read_text().splitlines())]
        return {int(number): (int(begun), int(ended)) for number, begun, ended in rows}


def make(folder: Path, *, more: str = "", noise: str = "") -> SlotsToy:
    """The task, committed. `more` goes to the end of the configuration; `noise`: what the seed's part is worth."""
    outside = folder / "outside"
    outside.mkdir(parents=True)
    files = {f"{name}.sh": f"{name.upper()}=1000  # tune: 1..2000\n" for name in "abc"}
    config = CONFIG.format(outside=outside, noise=noise, more=more)
    own = {"run/measure": MEASURE, "autoresearch.toml": config, "program.md": "Try.\n"}
    root = make_repository(folder / "toy", {**files, **own})
    return SlotsToy(root, before=state_of(root))


def model() -> Callable[[str], str]:
    """Its first three answers lower a constant each, in files of their own; all others make it worse."""
    turns = count()

    def reply(prompt: str) -> str:
        turn = next(turns)
        name = "abc"[turn % 3]
        old = re.findall(rf"^{name.upper()}=(\d+)", prompt, re.MULTILINE)[-1]
        return answer(name, old, f"{int(old) + (100 if turn > 2 else -10) - turn}")

    return reply


def answer(name: str, old: str, new: str) -> str:
    """A model's reply that sets one constant to another value."""
    upper = name.upper()
    return (
        f"Title: {upper} to {new}\nHypothesis: less is less.\nExpected: lower\n\n"
        f"{name}.sh\n<<<<<<< SEARCH\n{upper}={old}  # tune: 1..2000\n=======\n"
        f"{upper}={new}  # tune: 1..2000\n>>>>>>> REPLACE\n"
    )
