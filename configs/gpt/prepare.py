"""The fixed half of the task: the corpus, the time budget and the measurement.

Covered: reading text (the source of Python's standard library, or `--data`), the split into training and validation
files, device, seed, time budget, bits per byte, a check that the model cannot look ahead, the summary on stdout.
Not covered: the model and its training (train.py), and a guard against a train.py that prints a summary of its own
or trains before the clock runs: whoever reviews a kept change reads the diff.

A trained model is any `torch.nn.Module` where `model(x)` turns bytes `x` (int64, [rows, context], 0..255) into
logits [rows, context, 256]: the logits at position t predict the byte at t + 1 from the bytes up to t.

Environment: AR_SEED (integer), AR_DEVICE (cpu, cuda, cuda:1, mps), AR_TIME_LIMIT (seconds one run may take in all)
and GPT_TRAIN_SECONDS (training seconds, instead of the device's budget; for tests and for trying things out).
"""

import argparse
import hashlib
import math
import os
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

CORPUS_MAX_BYTES = 64 * 2**20  # more than this is neither read nor trained on
VALIDATION_SHARE = 0.1  # of the corpus, in whole files
NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idle_test", "encodings"}  # folders left out
DEFAULT_SEED = 1337
LEAK_TOLERANCE = 0.01  # logits; a causal model changes by nothing at all, or by rounding


@dataclass(frozen=True)
class Plan:
    """What is fixed for one kind of device."""

    train_seconds: tuple[float, ...]  # longest first; the first that fits into AR_TIME_LIMIT is used
    overhead_seconds: float  # start-up, compilation and evaluation, on a slow day
    free_steps: int  # first steps that the clock does not count: in these the model is compiled
    context: int  # bytes in one validation window
    windows: int  # validation windows


PLANS = {
    "cpu": Plan(train_seconds=(12, 8), overhead_seconds=10, free_steps=0, context=256, windows=512),
    "mps": Plan(train_seconds=(60, 12, 8), overhead_seconds=20, free_steps=3, context=256, windows=512),
    "cuda": Plan(train_seconds=(300, 60, 8), overhead_seconds=120, free_steps=10, context=1024, windows=1024),
}


def read_corpus(data: str | None) -> list[bytes]:
    """Return the documents of `data` (a folder or a parquet file) or, for None, the standard library's sources."""
    path = Path(data or sysconfig.get_paths()["stdlib"])
    if path.is_dir():
        documents = read_folder(path) if data else read_folder(path, ".py", NOT_LIBRARY)
    elif path.suffix == ".parquet" and path.is_file():
        documents = read_parquet(path)
    else:
        sys.exit(f"--data {path}: neither a folder nor a .parquet file")
    kept: list[bytes] = []
    room = CORPUS_MAX_BYTES
    while room > 0 and (document := next(documents, None)) is not None:
        kept.append(document[:room])
        room -= len(kept[-1])
    if not any(map(bytes.strip, kept)):
        sys.exit(f"no text in {path}: name a folder of text files or a parquet file with --data")
    return kept


def read_folder(root: Path, suffix: str = "", skipped: set[str] | None = None) -> Iterator[bytes]:
    """Yield the text files under `root` in a fixed order; a NUL byte near the start marks a file as binary."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if name not in (skipped or ()) and name[0] != ".")
        for name in sorted(names):
            if name.endswith(suffix) and name[0] != ".":
                content = Path(folder, name).read_bytes()
                if b"\0" not in content[:4096]:
                    yield content


def read_parquet(path: Path) -> Iterator[bytes]:
    """Yield the rows of the column `text`, or of the first column where there is none of that name."""
    try:
        from pyarrow import parquet
    except ImportError:
        sys.exit(f"--data {path}: reading parquet needs pyarrow (pip install pyarrow)")
    table = parquet.ParquetFile(path)
    names = table.schema_arrow.names
    for batch in table.iter_batches(columns=["text" if "text" in names else names[0]]):
        yield from (str(row).encode() for row in batch.column(0).to_pylist() if row)


def split_documents(documents: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return (training, validation) documents; a lone document is cut, its last tenth validates.

    The order is that of the contents' hashes: as good as random, the same wherever the files are the same, and two
    copies of one file cannot end up on both sides.
    """
    by_hash = {hashlib.sha256(document).digest(): document for document in documents}
    shuffled = [by_hash[digest] for digest in sorted(by_hash)]
    if len(shuffled) == 1:
        cut = int(len(shuffled[0]) * (1 - VALIDATION_SHARE))
        return [shuffled[0][:cut]], [shuffled[0][cut:]]
    wanted_bytes = VALIDATION_SHARE * sum(map(len, shuffled))
    count = taken_bytes = 0
    while taken_bytes < wanted_bytes and count < len(shuffled) - 1:
        taken_bytes += len(shuffled[count])
        count += 1
    return shuffled[count:], shuffled[:count]


def validation_windows(text: Tensor, plan: Plan) -> Tensor:
    """Return [windows, context + 1] bytes, evenly spread over the validation text; fewer where it is short."""
    length = plan.context + 1
    if len(text) < length:
        sys.exit(f"the validation text has {len(text)} bytes, one window takes {length}: use a larger corpus")
    count = min(plan.windows, len(text) // length)
    starts = [i * (len(text) - length) // max(1, count - 1) for i in range(count)]
    return torch.stack([text[start : start + length] for start in starts]).long()


def pick_device() -> torch.device:
    """Return the device that AR_DEVICE names, or else the fastest kind there is."""
    found = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available() + ["cpu"]
    name = os.environ.get("AR_DEVICE") or found[0]
    if name.split(":")[0] not in found:
        sys.exit(f"AR_DEVICE={name}: PyTorch finds {', '.join(found)} here")
    return torch.device(name)


def pick_train_seconds(plan: Plan) -> float:
    """Return GPT_TRAIN_SECONDS, or the longest of the plan's budgets that AR_TIME_LIMIT has room for."""
    if forced := os.environ.get("GPT_TRAIN_SECONDS"):
        return float(forced)
    room = float(os.environ.get("AR_TIME_LIMIT") or "inf") - plan.overhead_seconds
    return next((seconds for seconds in plan.train_seconds if seconds <= room), plan.train_seconds[-1])


class Clock:
    """The training budget in wall-clock seconds, from the first counted step on."""

    def __init__(self, device: torch.device, budget_seconds: float, free_steps: int) -> None:
        self.device, self.budget_seconds, self.free_steps = device, budget_seconds, free_steps
        self.steps = 0
        self.started = math.nan

    def elapsed(self) -> float:
        """Return the counted seconds so far, with the device's queue drained."""
        if self.device.type != "cpu":
            getattr(torch, self.device.type).synchronize()
        return time.monotonic() - self.started

    def tick(self) -> float:
        """Return the used fraction of the budget; call it before every step and stop at 1.0."""
        if self.steps <= self.free_steps:
            self.elapsed()  # drain the queue, so that no uncounted work runs on counted time
            self.started = time.monotonic()
        self.steps += 1
        return self.elapsed() / self.budget_seconds


@dataclass
class Run:
    """Everything train.py is given."""

    device: torch.device
    seed: int
    clock: Clock
    train: Tensor  # uint8 [bytes], on the device
    validation: Tensor  # int64 [windows, context + 1], on the device


def start() -> Run:
    """Read the command line, the environment and the corpus; seed PyTorch."""
    parser = argparse.ArgumentParser(description="Train a byte-level language model for a fixed time.")
    parser.add_argument("--data", help="a folder of text files, or a parquet file; default: Python's standard library")
    data = parser.parse_args().data
    device = pick_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    seed = int(os.environ.get("AR_SEED") or DEFAULT_SEED)
    torch.manual_seed(seed)
    plan = PLANS[device.type]
    seconds = pick_train_seconds(plan)
    texts = (bytearray(b"\n".join(documents)) for documents in split_documents(read_corpus(data)))
    train, validation = (torch.frombuffer(text, dtype=torch.uint8) for text in texts)
    print(f"corpus: {len(train) / 1e6:.2f} MB to train on, {len(validation) / 1e6:.2f} MB held out")
    print(f"budget: {seconds:g} s of training on {device}, seed {seed}", flush=True)
    clock = Clock(device, seconds, plan.free_steps)
    return Run(device, seed, clock, train.to(device), validation_windows(validation, plan).to(device))


def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """Return the model's logits in float32, after a look at their shape."""
    logits: Tensor = model(x)
    if logits.shape != (*x.shape, 256):
        raise ValueError(f"model(x) has shape {tuple(logits.shape)}, expected {(*x.shape, 256)}")
    return logits.float()


def check_causal(model: nn.Module, x: Tensor) -> None:
    """Fail where later bytes change earlier predictions: a leak looks like a breakthrough and is none."""
    cut = x.size(1) * 2 // 5  # not a multiple of a power of two, where a leak between chunks could hide
    changed = torch.cat((x[:, :cut], 255 - x[:, cut:]), dim=1)
    moved = (logits_of(model, x) - logits_of(model, changed))[:, :cut].abs().max().item()
    if moved > LEAK_TOLERANCE:
        raise ValueError(f"the model sees later bytes: they moved logits before them by {moved:.3g}")


@torch.no_grad()
def evaluate_bpb(model: nn.Module, windows: Tensor, rows: int = 32) -> float:
    """Return the mean bits per byte over `windows`, in float32; base 2 throughout, so a uniform model scores 8.0."""
    model.eval()
    check_causal(model, windows[:4, :-1])
    bits = 0.0
    for chunk in windows.split(rows):
        logits = logits_of(model, chunk[:, :-1])
        logits = logits - logits.amax(-1, keepdim=True)
        target = logits.gather(-1, chunk[:, 1:, None]).squeeze(-1)
        bits += (logits.exp().sum(-1).log2() - target / math.log(2)).mean().item() * len(chunk)
    return bits / len(windows)


def finish(run: Run, model: nn.Module, tokens: int) -> None:
    """Stop the clock, evaluate `model` and print the summary; `tokens` is what the counted steps trained on."""
    seconds = run.clock.elapsed()
    if not seconds <= 1.1 * run.clock.budget_seconds + 1.0:
        sys.exit(f"training took {seconds:.1f} s of {run.clock.budget_seconds:g} s: the steps are too slow")
    val_bpb = evaluate_bpb(model, run.validation)
    if not math.isfinite(val_bpb):
        sys.exit(f"validation gave {val_bpb} bits per byte")
    used_bytes = {"cuda": torch.cuda.max_memory_allocated, "mps": torch.mps.driver_allocated_memory}
    print("---")
    print(f"val_bpb: {val_bpb:.6f}")
    print(f"training_seconds: {seconds:.2f}")
    print(f"peak_vram_mb: {used_bytes.get(run.device.type, lambda: 0)() / 2**20:.1f}")
    print(f"num_params_M: {sum(parameter.numel() for parameter in model.parameters()) / 1e6:.4f}")
    print(f"tokens_per_second: {tokens / seconds:.0f}", flush=True)
