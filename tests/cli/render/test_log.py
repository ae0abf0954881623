"""`ar log`: the listing, one experiment in full, five columns, and JSON: exact texts."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from rich.text import Text

from autoresearch.cli.render.detail import Detail, detail, diff_lines
from autoresearch.cli.render.records import dumps, experiment_json
from autoresearch.cli.render.table import listing
from autoresearch.cli.render.tsv import tsv
from autoresearch.core.experiment import Decision, LostSample, Outcome, Sample, Usage
from autoresearch.core.final_check import FinalCheck
from autoresearch.core.history import Direction, History
from tests.support.experiments import START, experiment

KEEP = Decision.KEEP
WHY = "A smaller step late in training should help the loss settle,\nbecause it is noisy."


def history() -> History:
    return History(
        Direction.MIN,
        [
            experiment(0, 3.28121, measures={"ar.peak_rss_mb": 2048.0}),
            experiment(1, 3.20412, decision=KEEP, hypothesis=WHY, measures={"peak_vram_mb": 1536.0}),
            experiment(2, 3.25, parent=1, title="tab\tand\nline"),
            experiment(3, parent=1, title="DEPTH 2 → 16", reason="exit code 1: ValueError"),
            experiment(4, parent=1, outcome=Outcome.OUT_OF_MEMORY),
            experiment(5, 3.19, decision=KEEP, parent=1),
            experiment(6, 3.2041, decision=KEEP, parent=5, title="Revert #5", reverts=(5,)),
            experiment(7, parent=6, outcome=Outcome.INTERRUPTED, seconds=125.0),
        ],
    )


def paid() -> History:
    again = ((1, Sample(3.2062, 7)),)
    return History(
        Direction.MIN,
        [
            experiment(0, 3.28121, samples=(Sample(3.2801, 1), Sample(3.28232, 2))),
            experiment(
                1,
                3.20412,
                decision=KEEP,
                hypothesis=WHY,
                reason="better: 3.20412 against 3.28121 of #0 (−2.3 %)",
                samples=(Sample(3.20412, 3), LostSample(Outcome.CRASHED, 4)),
                usage=Usage(12034, 420, 0.0132),
                proposer="llm",
                model="anthropic/claude-sonnet-4-5",
                measures={"peak_vram_mb": 123.4, "num_params_M": 1.2},
                params={"LR": 0.0021},
                flags=("one seed",),
                carried_from=9,
            ),
            experiment(2, 3.21, parent=1, incumbent_samples=again, usage=Usage(1, 1, None)),
        ],
    )


def texts(lines: object) -> list[str]:
    return [line.plain.rstrip() for line in lines if isinstance(line, Text)]  # type: ignore[attr-defined]


def test_the_listing_fits_eighty_columns() -> None:
    record = history()
    assert texts(listing(record, record.experiments[::-1], 80)) == [
        "1 kept of 5 · 3.28121 → 3.2041 (−2.4 %)",
        "   #  commit   val_bpb     change  decision       took  hypothesis",
        "   7  0000007  –                   – stopped     2m 5s  LR 0.007 → 0.0021",
        "   6  0000006  3.2041     +0.44 %  ✓ kept         12 s  Revert #5",
        "   5  0000005  3.19       −0.44 %  ↶ reverted     12 s  LR 0.005 → 0.0021",
        "   4  0000004  –                   ✗ memory       12 s  LR 0.004 → 0.0021",
        "   3  0000003  –                   ✗ crashed      12 s  DEPTH 2 → 16",
        "   2  0000002  3.25        +1.4 %  · discarded    12 s  tab and line",
        "   1  0000001  3.20412     −2.3 %  ✓ kept         12 s  LR 0.001 → 0.0021",
        "   0  0000000  3.28121             ✓ baseline     12 s  baseline",
    ]


def test_without_a_terminal_nothing_is_cut_and_words_are_in_full() -> None:
    record = history()
    lines = texts(listing(record, record.experiments[1:5], None))
    assert lines[1:] == [
        "   #  commit   val_bpb     change  decision              took  hypothesis",
        "   1  0000001  3.20412     −2.3 %  ✓ kept                12 s  LR 0.001 → 0.0021 — " + WHY.replace("\n", " "),
        "   2  0000002  3.25        +1.4 %  · discarded           12 s  tab and line",
        "   3  0000003  –                   ✗ crashed             12 s  DEPTH 2 → 16 — exit code 1: ValueError",
        "   4  0000004  –                   ✗ out of memory       12 s  LR 0.004 → 0.0021 — exit code 1",
    ]


def test_spread_and_cost_move_the_columns_together_before_the_commit_goes() -> None:
    record = paid()
    assert texts(listing(record, record.experiments, 80))[1:] == [
        "   # commit  val_bpb           change decision      took    usd hypothesis",
        "   0 0000000 3.28121 ±0.0016          ✓ baseline    12 s        baseline",
        "   1 0000001 3.20516 ±0.0015   −2.3 % ✓ kept        12 s 0.0132 LR 0.001 → 0.00…",
        "   2 0000002 3.21             +0.15 % · discarded   12 s      ? LR 0.002 → 0.00…",
    ]
    assert texts(listing(record, record.experiments, 76))[1].split()[:2] == ["#", "val_bpb"]


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 99, 100, 101, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    record = paid()
    record.add(experiment(12345, 1e-9 / 7, title="漢字 🎉 " * 40, hypothesis="ü" * 500, seconds=1e6))
    assert all(line.cell_len <= width for line in list(listing(record, record.experiments, width))[1:])


def test_an_empty_selection_still_has_its_summary() -> None:
    assert texts(listing(history(), [], 80)) == ["1 kept of 5 · 3.28121 → 3.2041 (−2.4 %)"]
    assert texts(listing(History(Direction.MIN), [], 80)) == ["0 kept of 0 · no baseline"]
    assert texts(listing(History(Direction.MIN, [experiment(0, 3.5)]), [], 80)) == ["0 kept of 0 · baseline 3.5"]


def test_one_experiment_in_full() -> None:
    record = paid()
    diff = "diff --git a/train.py b/train.py\n@@ -1 +1 @@\n-LR = 0.003\n+LR = 0.0021\n"
    one = record.experiments[1]
    assert texts(detail(Detail(one, record, diff, "step 1\n\x1b[32mval_bpb:\t3.2\x1b[0m\n"), 72)) == [
        "#1 ✓ kept  LR 0.001 → 0.0021",
        "decision   keep: better: 3.20412 against 3.28121 of #0 (−2.3 %)",
        "val_bpb    3.20516 ±0.0015, −2.3 % against 3.28121 of #0; 3.20412 when",
        "           it was decided",
        "samples    3.20412@3 !crashed@4, later 3.2062@7",
        "measures   peak_vram_mb 123.4, num_params_M 1.2",
        "took       12 s, 2025-11-23 04:48:00 to 04:48:12 UTC",
        "proposer   llm anthropic/claude-sonnet-4-5",
        "params     LR 0.0021",
        "tokens     12.03 ktok in, 420 tok out",
        "cost       0.0132 usd",
        "isolation  basic",
        "flags      one seed",
        "parent     #0",
        "carried    from #9",
        f"commit     {one.commit}",
        "",
        "hypothesis",
        "A smaller step late in training should help the loss settle,",
        "because it is noisy.",
        "",
        "diff",
        "diff --git a/train.py b/train.py",
        "@@ -1 +1 @@",
        "-LR = 0.003",
        "+LR = 0.0021",
        "",
        "end of the output",
        "step 1",
        "val_bpb:    3.2",
    ]


def test_of_several_slots_it_is_said_which_one_it_was() -> None:
    record = paid()
    assert not any(line.startswith("slot") for line in texts(detail(Detail(record.experiments[1], record), 72)))
    record.add(experiment(3, 3.3, slot=2, parent=1))
    assert "slot       2" in texts(detail(Detail(record.experiments[3], record), 72))
    assert "slot       0" in texts(detail(Detail(record.experiments[1], record), 72))


def test_a_failed_and_a_reverted_experiment_in_full() -> None:
    record = history()
    assert texts(detail(Detail(record.experiments[3], record), None))[:3] == [
        "#3 ✗ crashed  DEPTH 2 → 16",
        "decision   discard: exit code 1: ValueError",
        "val_bpb    not measured (crashed)",
    ]
    assert "reverted   by #6" in texts(detail(Detail(record.experiments[5], record), None))
    assert "reverts    #5" in texts(detail(Detail(record.experiments[6], record), None))
    unknown = paid()
    lines = texts(detail(Detail(unknown.experiments[2], unknown), None))
    assert "cost       unknown" in lines
    assert "compared   with new samples #1 3.2062@7" in lines


def judged() -> History:
    """Kept with doubts, kept for being simpler, failed checks; the holdout measured what was kept."""
    history = History(
        Direction.MIN,
        [
            experiment(0, 3.28, samples=(Sample(3.28, 1), Sample(3.28, 2)), flags=("slowest=12.500", "unit=ms")),
            experiment(1, 1.2, decision=KEEP, flags=("suspicious",)),
            experiment(2, 1.2, parent=1, decision=KEEP, flags=("simplification",), reason="simpler, and loses no more"),
            experiment(3, parent=2, outcome=Outcome.CHECKS_FAILED, reason="check `pytest`: exit code 1"),
        ],
    )
    history.add_holdout(0, (4.1, 4.3))
    history.add_holdout(2, (4.0,))
    return history


def test_doubts_and_simplifications_are_marked_in_eighty_columns_and_explained() -> None:
    record = judged()
    lines = texts(listing(record, record.experiments[1:], 80))
    assert lines[2:] == [
        "   1  0000001  1.2        −63.4 %  ✓ suspect      12 s  LR 0.001 → 0.0021",
        "   2  0000002  1.2           ±0 %  ✓ simpler      12 s  LR 0.002 → 0.0021",
        "   3  0000003  –                   ✗ checks       12 s  LR 0.003 → 0.0021",
    ]
    wide = texts(listing(record, record.experiments[1:], 100))[2:]
    assert [line[34:53].strip() for line in wide] == ["✓ kept, suspicious", "✓ kept, simpler", "✗ checks failed"]
    suspicious, simpler, failed = (texts(detail(Detail(one, record), None)) for one in record.experiments[1:])
    assert suspicious[0] == "#1 ✓ kept, suspicious  LR 0.001 → 0.0021"
    why = "suspicious: too good to be believed at once, and as good again in a fresh worktree"
    assert f"flags      {why}" in suspicious
    assert simpler[:2] == ["#2 ✓ kept, simpler  LR 0.002 → 0.0021", "decision   keep: simpler, and loses no more"]
    assert "flags      simplification: no gain, kept for the code that it removes" in simpler
    assert failed[:2] == ["#3 ✗ checks failed  LR 0.003 → 0.0021", "decision   discard: check `pytest`: exit code 1"]
    assert "flags      slowest sample 12.500 s, metric printed in ms" in texts(
        detail(Detail(record.experiments[0], record), None)
    )


def test_the_holdout_stands_beside_the_baselines() -> None:
    record = judged()
    baseline, first, second = (texts(detail(Detail(one, record), None)) for one in record.experiments[:3])
    assert "holdout    4.2 ±0.14" in baseline
    assert "holdout    4, −4.8 % against 4.2 of #0" in second
    assert not any(line.startswith("holdout") for line in first)


def test_the_first_line_is_the_final_checks_as_long_as_its_best_is_the_best() -> None:
    record = judged()
    final = FinalCheck(2, (Sample(3.3, 9), Sample(3.26, 11)), (Sample(1.3, 10), Sample(1.26, 12)))
    assert texts(listing(record, [], 80, final)) == ["2 kept of 3 · 3.28 → 1.28 (−61.0 % ± 0.9) · final check, 2 pairs"]
    other = FinalCheck(1, final.baseline_samples, final.best_samples)
    assert texts(listing(record, [], 80, other)) == ["2 kept of 3 · 3.28 → 1.2 (−63.4 %)"]


def test_a_diff_is_coloured_by_its_signs() -> None:
    lines = diff_lines("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same\n")
    assert [str(line.style) for line in lines] == ["bold", "bold", "cyan", "red", "green", ""]


def test_the_five_columns_are_those_of_the_field() -> None:
    assert tsv(history()) == (
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        "0000000\t3.281210\t2.0\tkeep\tbaseline\n"
        "0000001\t3.204120\t1.5\tkeep\tLR 0.001 → 0.0021\n"
        "0000002\t3.250000\t0.0\tdiscard\ttab and line\n"
        "0000003\t0.000000\t0.0\tcrash\tDEPTH 2 → 16\n"
        "0000004\t0.000000\t0.0\tcrash\tLR 0.004 → 0.0021\n"
        "0000005\t3.190000\t0.0\tdiscard\tLR 0.005 → 0.0021\n"
        "0000006\t3.204100\t0.0\tkeep\tRevert #5\n"
        "0000007\t0.000000\t0.0\tcrash\tLR 0.007 → 0.0021\n"
    )
    assert tsv(History(Direction.MIN)) == "commit\tmetric\tmemory_gb\tstatus\tdescription\n"


def test_an_experiment_as_json_has_every_field_and_no_nan() -> None:
    record = paid()
    line = dumps(experiment_json(record.experiments[1], record))
    assert json.loads(line) == {
        "number": 1,
        "commit": record.experiments[1].commit,
        "tree": f"{1:040x}",
        "parent": 0,
        "title": "LR 0.001 → 0.0021",
        "hypothesis": WHY,
        "outcome": "measured",
        "decision": "keep",
        "reason": "better: 3.20412 against 3.28121 of #0 (−2.3 %)",
        "metric_name": "val_bpb",
        "metric": pytest.approx(3.20516),
        "metric_at_decision": 3.20412,
        "samples": [{"value": 3.20412, "at": 3}, {"value": None, "outcome": "crashed", "at": 4}],
        "incumbent_samples": [],
        "measures": {"peak_vram_mb": 123.4, "num_params_M": 1.2},
        "seconds": 12.0,
        "started": "2025-11-23T04:48:00.000Z",
        "ended": "2025-11-23T04:48:12.000Z",
        "proposer": "llm",
        "model": "anthropic/claude-sonnet-4-5",
        "params": {"LR": 0.0021},
        "tokens_in": 12034,
        "tokens_out": 420,
        "cost_usd": 0.0132,
        "isolation": "basic",
        "slot": 0,
        "flags": ["one seed"],
        "carried_from": 9,
        "reverts": [],
        "reverted": False,
    }
    failed = experiment(3, measures={"loss": float("nan")}, ended=START + timedelta(seconds=1))
    read = json.loads(dumps(experiment_json(failed, History(Direction.MIN, [failed]))))
    assert (read["metric"], read["measures"]) == (None, {"loss": None})


def test_a_quotation_mark_at_the_front_of_a_title_does_not_swallow_the_lines_after_it() -> None:
    titles = ('"fast" path, "slow" path', '"half open', 'in the "middle"')
    record = History(Direction.MIN, [experiment(number, 1.0, title=title) for number, title in enumerate(titles)])
    rows = list(csv.reader(io.StringIO(tsv(record)), delimiter="\t"))
    assert [row[-1] for row in rows[1:]] == ["'fast' path, 'slow' path", "'half open", 'in the "middle"']
