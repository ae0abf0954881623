"""Changes of random seeds in configurations, scripts and other languages, and every other change beside them."""

from __future__ import annotations

import pytest

from tests.support.training import is_seed_change

TEXT_SEEDS = [
    ("a.toml", "lr = 0.1\nseed = 42\n", "lr = 0.1\nseed = 43\n"),
    ("a.toml", "seed = 42 # x\n", "seed=43 # y\n"),
    ("a.toml", "seeds = [1, 2]\n", "seeds = [3, 4]\n"),
    ("a.toml", "seeds = [\n  1,\n  2,\n]\n", "seeds = [\n  3,\n  4,\n]\n"),
    ("a.toml", "[train]\nlr = 0.1\n", "[train]\nlr = 0.1\nseed = 3\n"),
    ("a.toml", "train.random_state = 1\n", "train.random_state = 2\n"),
    ("a.yaml", "train:\n  lr: 0.1\n  seed: 42\n", "train:\n  lr: 0.1\n  seed: 43\n"),
    ("a.yml", "random_state: null\n", "random_state: 43\n"),
    ("a.yaml", "seed: ${oc.env:AR_SEED}\n", "seed: 43\n"),
    ("a.yaml", "seeds:\n  - 1\n  - 2\nlr: 1\n", "seeds:\n  - 3\n  - 4\nlr: 1\n"),
    ("a.yaml", "{seed: 1, lr: 2}\n", "{seed: 2, lr: 2}\n"),
    ("a.json", '{"seed": 42, "lr": 0.1}', '{"seed": 43, "lr": 0.1}'),
    ("a.json", '{\n  "lr": 0.1,\n  "seed": 42\n}', '{\n    "lr": 0.1\n}'),
    ("a.json", '["--seed", "42"]', '["--seed", "43"]'),
    ("a.ini", "[a]\nseed=42\n", "[a]\nseed = 43\n"),
    (".env", "SEED=42\n", "SEED=43\n"),
    ("run.sh", "python t.py --seed 42 --lr 0.1\n", "python t.py --seed 43 --lr 0.1\n"),
    ("run.sh", "python t.py --seed=42\n", "python t.py --seed=43\n"),
    ("run.sh", "python t.py --lr 0.1\n", "python t.py --lr 0.1 --seed 43\n"),
    ("run.sh", "python t.py --seed $AR_SEED\n", "python t.py --seed 43\n"),
    ("run.sh", "python t.py \\\n  --seed 42 \\\n  --lr 1\n", "python t.py \\\n  --lr 1\n"),
    ("run.sh", "SEED=${SEED:-42}\n", "SEED=${SEED:-43}\n"),
    ("run.sh", "run ${SEED:-42}\n", "run ${SEED:-43}\n"),
    ("run.sh", "export SEED=42\n", "export SEED=43\n"),
    ("run.sh", "SEED=42 python t.py\n", "SEED=43 python t.py\n"),
    ("run.sh", "python t.py --seeds 1 2 3\n", "python t.py --seeds 4 5 6\n"),
    ("run.sh", "python t.py -m seed=1,2,3\n", "python t.py -m seed=4,5,6\n"),
    ("Makefile", "SEED ?= 42\n", "SEED ?= 43\n"),
    ("Makefile", "run:\n\tpython t.py --seed $(SEED)\n", "run:\n\tpython t.py --seed 3\n"),
    ("Dockerfile", "ENV SEED 42\n", "ENV SEED 43\n"),
    ("Dockerfile", "ENV SEED=42\n", "ENV SEED=43\n"),
    ("a.c", "srand(42);\n", "srand( 43 );\n"),
    ("a.c", "#define SEED 42\n", "#define SEED 43u // lucky\n"),
    ("a.cpp", "std::mt19937 rng(42);\n", "std::mt19937 rng(43);\n"),
    ("a.cpp", "std::mt19937_64 gen{42};\n", "std::mt19937_64 gen{43};\n"),
    ("a.cpp", "unsigned seed(42);\n", "unsigned seed(43);\n"),
    ("a.cu", "curand_init(1234, id, 0, &s);\n", "curand_init(1235, id, 0, &s);\n"),
    ("a.R", "set.seed(42)\n", "set.seed(43)\n"),
    ("a.jl", "Random.seed!(42)\n", "Random.seed!(43)\n"),
    ("a.rs", "let r = StdRng::seed_from_u64(42);\n", "let r = StdRng::seed_from_u64(43);\n"),
    ("a.rs", "const SEED: u64 = 42;\n", "const SEED: u64 = 43;\n"),
    ("a.go", "rand.Seed(42)\n", "rand.Seed(43)\n"),
    ("a.go", "r := rand.New(rand.NewSource(42))\n", "r := rand.New(rand.NewSource(43))\n"),
    ("a.java", "Random r = new Random(42L);\n", "Random r = new Random(43L);\n"),
    ("a.js", "const seed = 42;\n", "const seed = cfg.seed;\n"),
    ("a.lua", "torch.manualSeed(42)\n", "torch.manualSeed(43)\n"),
    ("a.m", "rng(42)\n", "rng(43)\n"),
    ("old.py", "seed = 42\nprint 'x'\n", "seed = 43\nprint 'x'\n"),
    ("old.py", 'print "x"\np.add_argument("--seed", default=42)\n', 'print "x"\np.add_argument("--seed", default=4)\n'),
    ("settings", "seed 42\nlr 0.1\n", "seed 43\nlr 0.1\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new"), TEXT_SEEDS)
def test_a_seed_in_any_text_is_seen_whichever_way_it_changes(path: str, old: str, new: str) -> None:
    assert is_seed_change(path, old, new)
    assert is_seed_change(path, new, old)


@pytest.mark.parametrize(("path", "old", "new"), TEXT_SEEDS)
def test_a_seed_in_a_text_and_anything_else_is_no_seed_change(path: str, old: str, new: str) -> None:
    assert not is_seed_change(path, f"{old}\nrate = 0.1\n", f"{new}\nrate = 0.2\n")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a.toml", "seed = 42\nlr = 0.1\n", "seed = 42\nlr = 0.2\n"),
        ("a.toml", "seed = 42\nlr = 0.1\n", "seed = 43\nlr = 0.2\n"),
        ("a.toml", "seed = 42\n", "seed=42\n"),
        ("a.toml", "seed = 42\n", "# seed = 43\nseed = 42\n"),
        ("a.toml", "seeds = [1, 2]\n", "seeds = [1, 2, 3]\n"),
        ("a.toml", "seeds = [1]\n", "seeds = 1\n"),
        ("a.toml", "n_seeds = 2\n", "n_seeds = 3\n"),
        ("a.toml", "seed_length = 2\n", "seed_length = 3\n"),
        ("a.toml", "seed = 0.5\n", "seed = 0.7\n"),
        ("a.toml", 'seed = "oak"\n', 'seed = "elm"\n'),
        ("a.toml", "seed = 2024-01-01\n", "seed = 2024-01-02\n"),
        ("a.toml", "speed = 1\n", "speed = 2\n"),
        ("a.yaml", "a:\n  lr: 1\n  seed: 1\n", "a:\n    lr: 1\n    seed: 1\n"),
        ("a.yaml", "seeds:\n  - 1\n", "seeds:\n  - 1\n  - 2\n"),
        ("a.yaml", "seed:\n  lr: 1\n", "seed:\n  lr: 2\n"),
        ("a.yaml", "a:\n  seed: 1\n  b: 1\n", "a:\n  seed: 2\nb: 1\n"),
        ("a.json", '{"seed": 42, "lr": 0.1}', '{"seed": 43, "lr": 0.2}'),
        ("run.sh", "python t.py --seed 42\n", "python u.py --seed 43\n"),
        ("run.sh", "python t.py --n-seeds 1\n", "python t.py --n-seeds 2\n"),
        ("run.sh", "python t.py --seeds 1 2\n", "python t.py --seeds 1 2 3\n"),
        ("run.sh", "python t.py -m seed=1,2\n", "python t.py -m seed=1,2,3\n"),
        ("run.sh", "python t.py --no-seed 1\n", "python t.py --no-seed 2\n"),
        ("a.c", "#define SPEED 42\n", "#define SPEED 43\n"),
        ("a.c", "#include <a.h>\nsrand(1);\n", "#include <b.h>\nsrand(2);\n"),
        ("a.cpp", "if (seed == 42) f();\n", "if (seed == 43) f();\n"),
        ("a.cpp", "Vec rng(42);\nint x(1);\n", "Vec rng(42);\nint x(2);\n"),
        ("a.js", "population.seed(20)\n", "population.seed(40)\n"),
        ("a.js", 'f("http://a.b") // x\nseed = 1\n', 'f("http://a.c") // x\nseed = 2\n'),
        ("notes.txt", "The seed was 42.\n", "The seed was 43.\n"),
        ("a.txt", "1\n", "2\n"),
        ("a.txt", "", "seed"),
    ],
)
def test_other_changes_of_a_text_are_left_alone(path: str, old: str, new: str) -> None:
    assert not is_seed_change(path, old, new)
    assert not is_seed_change(path, new, old)
