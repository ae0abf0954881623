"""The ready task `configs/gpt`: real, very short runs of train.py, and prepare.py's measurement on known models.

Not covered: how good the model becomes in its full budget, CUDA and MPS.
"""

import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="configs/gpt needs PyTorch: pip install torch")

TASK = Path(__file__).parents[2] / "configs" / "gpt"
NUMBERS = {"val_bpb", "training_seconds", "peak_vram_mb", "num_params_M", "tokens_per_second"}


def load(name, folder):
    spec = importlib.util.spec_from_file_location(f"gpt_{name}", folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


prepare = load("prepare", TASK)


@pytest.fixture
def task(tmp_path):
    """A copy of the task with a small model and few validation windows, which saves seconds."""
    folder = tmp_path / "task"
    folder.mkdir()
    for name in ("prepare.py", "train.py"):
        shutil.copy(TASK / name, folder)
    substitute(folder / "prepare.py", "free_steps=0, context=256, windows=512", "free_steps=0, context=256, windows=64")
    change(folder, "DEPTH", 1)
    change(folder, "WIDTH", 32)
    return folder


def substitute(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def change(folder, name, value):
    path = folder / "train.py"
    text, count = re.subn(rf"(?m)^{name} = \S+", f"{name} = {value}", path.read_text())
    assert count == 1
    path.write_text(text)


def run(folder, *arguments, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AR_")}
    return subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=folder,
        env={**kept, "AR_DEVICE": "cpu", "GPT_TRAIN_SECONDS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def summary(done):
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n---\n")[1].splitlines()
    return {name: float(value) for name, value in (line.split(": ") for line in lines)}


class Constant(torch.nn.Module):
    """Logits that depend on nothing."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, x):
        return self.logits.expand(*x.shape, 256)


class Cheat(torch.nn.Module):
    """Predicts the next byte by looking at it."""

    def forward(self, x):
        return 20.0 * torch.nn.functional.one_hot(x.roll(-1, dims=1), 256)


def some_windows():
    return torch.randint(0, 256, (70, 65), generator=torch.Generator().manual_seed(0))


def test_short_run_prints_all_numbers_and_learns(task):
    shutil.copy(TASK / "prepare.py", task)
    found = summary(run(task))
    assert set(found) == NUMBERS
    assert all(math.isfinite(value) for value in found.values())
    assert found["val_bpb"] < 7
    assert 1.0 <= found["training_seconds"] < 2.1
    assert found["tokens_per_second"] > 0
    assert found["num_params_M"] == pytest.approx(0.0287, abs=1e-4)


def test_seed_decides_initialisation_and_data(task, monkeypatch, capsys):
    # The clock drives the schedule and the number of steps: take both out and compare the first losses to the digit.
    # In this process, because importing PyTorch thrice takes longer than the rest.
    change(task, "WARMUP_FRACTION", 0.0)
    change(task, "COOLDOWN_FRACTION", 0.0)
    substitute(task / "train.py", "if step % 50 == 0:", "if step <= 3:")
    substitute(task / "train.py", ":.3f", ":.9f")
    monkeypatch.setitem(sys.modules, "prepare", load("prepare", task))
    train = load("train", task)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setenv("AR_DEVICE", "cpu")
    monkeypatch.setenv("GPT_TRAIN_SECONDS", "0.5")
    losses = []
    for seed in ("0", "0", "7"):
        monkeypatch.setenv("AR_SEED", seed)
        train.main()
        printed = capsys.readouterr().out
        assert f"seed {seed}\n" in printed
        losses.append(re.findall(r"loss (\S+)", printed))
    assert len(losses[0]) == 3
    assert losses[0] == losses[1]
    assert losses[0][1:] != losses[2][1:]  # the first loss is 8 bits for every seed


def test_uniform_model_is_exactly_eight_bits():
    assert prepare.evaluate_bpb(Constant(torch.zeros(256)), some_windows()) == 8.0
    assert prepare.evaluate_bpb(Constant(torch.full((256,), -3.5)), some_windows()) == 8.0


def test_known_distribution_gives_its_cross_entropy():
    windows = some_windows() % 2
    logits = torch.full((256,), -math.inf)
    logits[0], logits[1] = math.log(0.75), math.log(0.25)
    ones = windows[:, 1:].double().mean().item()
    expected = -ones * math.log2(0.25) - (1 - ones) * math.log2(0.75)
    assert prepare.evaluate_bpb(Constant(logits.nan_to_num(neginf=-1e4)), windows) == pytest.approx(expected, rel=1e-5)


def test_model_that_looks_ahead_is_refused():
    with pytest.raises(ValueError, match="sees later bytes"):
        prepare.evaluate_bpb(Cheat(), some_windows())


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="expected"):
        prepare.evaluate_bpb(torch.nn.Embedding(256, 255), some_windows())


def test_training_and_validation_files_are_disjoint_and_fixed():
    documents = prepare.read_corpus(None)
    train, validation = prepare.split_documents(documents)
    assert not set(train) & set(validation)
    assert set(train) | set(validation) == set(documents)
    assert (train, validation) == prepare.split_documents(documents[::-1])
    share = sum(map(len, validation)) / sum(map(len, documents))
    assert 0.08 < share < 0.15
    assert sum(map(len, train)) > 2_000_000


def test_copies_of_a_file_stay_on_one_side():
    train, validation = prepare.split_documents([b"a" * 50, b"b" * 50] * 3)
    assert sorted(train + validation) == [b"a" * 50, b"b" * 50]


@pytest.mark.parametrize(("limit", "seconds"), [(None, 12), ("", 12), ("60", 12), ("22.5", 12), ("18", 8), ("1", 8)])
def test_time_limit_chooses_the_budget(monkeypatch, limit, seconds):
    monkeypatch.delenv("GPT_TRAIN_SECONDS", raising=False)
    monkeypatch.delenv("AR_TIME_LIMIT", raising=False)
    if limit is not None:
        monkeypatch.setenv("AR_TIME_LIMIT", limit)
    assert prepare.pick_train_seconds(prepare.PLANS["cpu"]) == seconds


def test_clock_leaves_the_first_steps_out():
    clock = prepare.Clock(torch.device("cpu"), budget_seconds=100.0, free_steps=2)
    for _ in range(3):
        assert clock.tick() < 1e-3
        clock.started -= 50.0  # as if the step had taken that long
    assert clock.tick() == pytest.approx(0.5, abs=0.01)


@pytest.mark.thorough
def test_loss_that_is_not_a_number_ends_the_run_at_once(task):
    change(task, "LOGIT_SOFTCAP", 'float("nan")')
    substitute(task / "train.py", "if LOGIT_SOFTCAP > 0 else logits", "")
    done = run(task, GPT_TRAIN_SECONDS="30")
    assert done.returncode == 1
    assert "the loss became nan at step 1" in done.stderr
    assert "val_bpb" not in done.stdout


@pytest.mark.thorough
def test_steps_longer_than_the_budget_fail_clearly(task):
    substitute(task / "train.py", "loss.backward()", "loss.backward(); __import__('time').sleep(1.5)")
    done = run(task, GPT_TRAIN_SECONDS="0.2")
    assert done.returncode == 1
    assert "too slow" in done.stderr


def test_size_that_cannot_work_is_named(task):
    change(task, "HEAD_DIM", 15)
    done = run(task)
    assert done.returncode == 1
    assert "head_dim is 15" in done.stderr


@pytest.mark.thorough
def test_data_folder(task, tmp_path):
    texts = tmp_path / "texts"
    (texts / "tests").mkdir(parents=True)
    for i in range(20):
        (texts / "tests" / f"{i}.txt").write_text(f"file {i}: " + "the quick brown fox " * 100)
    (texts / "picture.txt").write_bytes(b"\0\1\2" * 1000)
    done = run(task, "--data", str(texts))
    assert summary(done)["val_bpb"] < 8
    assert "corpus: 0.04 MB to train on, 0.00 MB held out" in done.stdout


@pytest.mark.parametrize("files", [{}, {"empty.txt": b"\n \n"}, {"image": b"\x89PNG\0\0"}])
def test_folder_without_text_is_a_clear_error(tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit, match="no text in"):
        prepare.read_corpus(str(tmp_path))


def test_missing_data_is_a_clear_error(tmp_path):
    with pytest.raises(SystemExit, match="neither a folder nor a"):
        prepare.read_corpus(str(tmp_path / "absent"))


def test_parquet_without_pyarrow_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(SystemExit, match="pip install pyarrow"):
        prepare.read_corpus(str(tmp_path / "a.parquet"))


def test_parquet_column(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is optional: pip install pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": [1, 2, 3], "text": ["one", None, "zwölf"]}), tmp_path / "a.parquet")
    assert prepare.read_corpus(str(tmp_path / "a.parquet")) == [b"one", "zwölf".encode()]


def test_single_document_is_cut():
    train, validation = prepare.split_documents([bytes(range(100))])
    assert train + validation == [bytes(range(90)), bytes(range(90, 100))]
