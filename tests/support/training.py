"""Asking about one file's change, and a training script as people write them, with the places of its seeds."""

from __future__ import annotations

from autoresearch.core.edit import Change
from autoresearch.core.seed_change import only_the_seed

TRAINING = '''\
"""Trains a small network. Seed 1337 by default."""

import argparse
import os
import random

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

SEED = 1337
SEED_LENGTH = 16
BATCH_SIZE = 64
LR = 3e-4
BETAS = (0.9, 0.95)
N_SEEDS = 3


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("RANDOM_SEED", "11")))
    parser.add_argument("--split-seed", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=10)
    return parser.parse_args()


class Net(nn.Module):
    def __init__(self, width=128, dropout=0.1, init_seed=13):
        super().__init__()
        generator = torch.Generator().manual_seed(init_seed + 14)
        self.first = nn.Linear(SEED_LENGTH, width)
        self.drop = nn.Dropout(dropout)
        self.second = nn.Linear(width, 2)
        nn.init.trunc_normal_(self.first.weight, std=0.02, generator=generator)

    def forward(self, x):
        return self.second(self.drop(torch.relu(self.first(x))))


def data(seed=15):
    rng = np.random.default_rng(16)
    x = rng.normal(0.0, 1.0, size=(1000, SEED_LENGTH)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int64")
    return train_test_split(x, y, test_size=0.2, random_state=17)


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x) - size + 1, size):
        chosen = order[start : start + size]
        yield torch.from_numpy(x[chosen]), torch.from_numpy(y[chosen])


def main():
    args = parse()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    config = {"lr": LR, "betas": BETAS, "seed": 18, "weight_decay": 0.01}
    x, x_test, y, y_test = data(seed=19)
    model = Net(width=256, init_seed=20)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], betas=BETAS)
    shuffle = random.Random(21)
    rng = np.random.RandomState(22)
    for epoch in range(args.epochs):
        warm = min(1.0, (epoch + 1) / 3)  # warm-up
        for group in optimizer.param_groups:
            group["lr"] = LR * warm
        for xb, yb in batches(x, y, BATCH_SIZE, rng):
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    predicted = model.eval()(torch.from_numpy(x_test)).argmax(1).numpy()
    print(f"val_loss: {1 - (predicted == y_test).mean():.4f} {shuffle.random() + SEED + N_SEEDS}")


if __name__ == "__main__":
    main()
'''

SEEDS = [
    ("SEED = 1337", "SEED = 7"),
    ('int(os.environ.get("RANDOM_SEED", "11"))', "7"),
    ("default=12", "default=7"),
    ("init_seed=13", "init_seed=7"),
    ("init_seed + 14", "7"),
    ("seed=15", "seed=7"),
    ("default_rng(16)", "default_rng()"),
    ("random_state=17", "random_state=7"),
    ('"seed": 18', '"seed": 7'),
    ("seed=19", "seed=7"),
    ("init_seed=20", "init_seed=7"),
    ("Random(21)", "Random(7)"),
    ("RandomState(22)", "RandomState(SEED)"),
]
"""Texts that occur once, with other ones to put there."""

SEEDING = ["random.seed(args.seed)", "np.random.seed(args.seed)", "torch.manual_seed(args.seed)"]
"""Lines that do nothing but seed."""


def is_seed_change(path: str, old: str, new: str) -> bool:
    """Of one file among others."""
    return only_the_seed({path: old, "other.py": "x = 1\n"}, Change({path: new}))
