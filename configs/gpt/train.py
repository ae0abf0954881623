"""The editable half of the task: the model, its optimizers and the training loop.

Covered: a byte-level decoder-only transformer (rotary positions, RMSNorm, squared-ReLU MLP), AdamW for its embedding
and output layer, Muon for the matrices between them, a schedule driven by the clock, and the training loop.
Not covered: the corpus, the budget and the measurement, which prepare.py fixes.
"""

import math
import sys
from typing import NamedTuple

import prepare
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Model; these sizes are for a CPU, and DEVICE_SCALE multiplies them on larger devices
DEPTH = 2  # transformer blocks  # tune: 1,2,3,4
WIDTH = 64  # channels of the residual stream  # tune: 32,48,64,96,128
HEAD_DIM = 32  # channels of one attention head  # tune: 16,32,64
MLP_RATIO = 4.0  # hidden channels of the MLP, in widths  # tune: 1..8
ROPE_BASE = 10000.0  # longest rotary wavelength, in units of 2 pi bytes  # tune: 100..100000 log
LOGIT_SOFTCAP = 15.0  # logits stay within plus or minus this; 0 is off  # tune: 0,10,15,30
DROPOUT = 0.0  # share of block outputs dropped in training  # tune: 0.0..0.3

# Data
CONTEXT = 256  # bytes in one training sequence  # tune: 64,128,256,512
BATCH_SIZE = 4  # sequences in one step  # tune: 2,4,8,16,32

# Optimization
MUON_LR = 0.02  # learning rate of the matrices  # tune: 0.002..0.2 log
MUON_MOMENTUM = 0.95  # Nesterov momentum of Muon  # tune: 0.8..0.98
MUON_STEPS = 5  # Newton-Schulz iterations per update  # tune: 3,4,5,6
ADAM_LR = 1e-2  # learning rate of embedding and output layer  # tune: 3e-4..1e-1 log
BETAS = (0.9, 0.95)  # AdamW's averaging factors, of gradient and of its square
WEIGHT_DECAY = 0.1  # pull towards zero per unit of learning rate, both optimizers  # tune: 0.0..1.0
WARMUP_FRACTION = 0.02  # share of the budget in which the learning rate rises from zero  # tune: 0.0..0.3
COOLDOWN_FRACTION = 0.4  # share of the budget in which it falls again, at the end  # tune: 0.0..1.0
CPU_THREADS = 1  # PyTorch threads on a CPU; at this size more rarely help  # tune: 1,2,4

# Factors for (DEPTH, WIDTH, HEAD_DIM, CONTEXT, BATCH_SIZE)
DEVICE_SCALE = {"cpu": (1, 1, 1, 1, 1), "mps": (2, 2, 1, 1, 2), "cuda": (3, 6, 2, 4, 8)}


class Sizes(NamedTuple):
    """The sizes of one run, after DEVICE_SCALE."""

    depth: int
    width: int
    head_dim: int
    context: int
    batch: int


def sizes_for(device_type: str) -> Sizes:
    """Return the sizes for a kind of device; a size that cannot work ends the run with its name."""
    base = (DEPTH, WIDTH, HEAD_DIM, CONTEXT, BATCH_SIZE)
    sizes = Sizes(*(round(size * factor) for size, factor in zip(base, DEVICE_SCALE[device_type], strict=True)))
    for name, size in sizes._asdict().items():
        if size < 1 or (name == "head_dim" and size % 2):
            sys.exit(f"{name} is {size}: it must be positive, and even for head_dim")
    return sizes


def norm(x: Tensor) -> Tensor:
    """RMSNorm without weights: the next matrix can learn the scale."""
    return F.rms_norm(x, (x.size(-1),))


def rotary_angles(length: int, head_dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosine and sine, [length, head_dim / 2], of position times frequency."""
    pairs = torch.arange(0, head_dim, 2, device=device, dtype=torch.float32)
    positions = torch.arange(length, device=device, dtype=torch.float32)
    angles = torch.outer(positions, ROPE_BASE ** (-pairs / head_dim))
    return angles.cos(), angles.sin()


def rotate(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Turn channel pairs (i, i + half) by their angle, so that dot products depend on distance only."""
    cos, sin = (angle.to(x.dtype) for angle in angles)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Attention(nn.Module):
    """Causal self-attention; queries and keys are normalised, which keeps high learning rates stable."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads = max(1, sizes.width // sizes.head_dim)
        inner = self.heads * sizes.head_dim
        self.query, self.key, self.value = (nn.Linear(sizes.width, inner, bias=False) for _ in range(3))
        self.out = nn.Linear(inner, sizes.width, bias=False)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        q, k = rotate(norm(q), angles), rotate(norm(k), angles)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two matrices with a squared ReLU between them."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        hidden = max(8, round(sizes.width * MLP_RATIO / 8) * 8)
        self.up = nn.Linear(sizes.width, hidden, bias=False)
        self.out = nn.Linear(hidden, sizes.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.up(x)).square())


class Block(nn.Module):
    """Attention, then MLP, each adding to the residual stream what it makes of the normalised stream."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(sizes), MLP(sizes)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        x = x + F.dropout(self.attention(norm(x), angles), DROPOUT, self.training)
        return x + F.dropout(self.mlp(norm(x)), DROPOUT, self.training)


class GPT(nn.Module):
    """Bytes [rows, length] in, logits [rows, length, 256] for the next bytes out."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.head_dim = sizes.head_dim
        self.embedding = nn.Embedding(256, sizes.width)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.depth))
        self.head = nn.Linear(sizes.width, 256, bias=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Start every block as the identity and the prediction as uniform: 8 bits per byte."""
        for name, parameter in self.named_parameters():
            if name.endswith("out.weight") or name == "head.weight":
                parameter.zero_()
            else:
                parameter.normal_(std=1.0 if name == "embedding.weight" else parameter.size(1) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
            angles = rotary_angles(x.size(1), self.head_dim, x.device)
            h = norm(self.embedding(x))
            for block in self.blocks:
                h = block(h, angles)
            logits = self.head(norm(h)).float()
        return LOGIT_SOFTCAP * torch.tanh(logits / LOGIT_SOFTCAP) if LOGIT_SOFTCAP > 0 else logits


def orthogonalise(matrices: Tensor, steps: int) -> Tensor:
    """Bring all singular values of each matrix in the stack [n, rows, columns] near 1.

    Newton-Schulz iteration with the quintic coefficients of Muon (Keller Jordan, 2024,
    https://kellerjordan.github.io/posts/muon/): they trade exactness (values end up between about 0.7 and 1.2) for
    few iterations. Wide matrices are cheaper than tall ones, so tall ones are transposed on the way.
    """
    if matrices.size(-2) > matrices.size(-1):
        return orthogonalise(matrices.mT, steps).mT
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay; matrices of one shape are stepped as a stack."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float, decay: float, steps: int) -> None:
        shapes = sorted({tuple(parameter.shape) for parameter in parameters})
        groups = [{"params": [p for p in parameters if tuple(p.shape) == shape]} for shape in shapes]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "decay": decay, "steps": steps})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            parameters = group["params"]
            gradients = torch.stack([parameter.grad for parameter in parameters])
            state = self.state[parameters[0]]
            average = state.setdefault("average", torch.zeros_like(gradients))
            average.lerp_(gradients, 1 - group["momentum"])
            update = orthogonalise(gradients.lerp(average, group["momentum"]), group["steps"])
            # a tall matrix maps to more channels than it reads: the same change per channel takes a larger step
            scale = max(1.0, update.size(-2) / update.size(-1)) ** 0.5
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["decay"])
            torch._foreach_add_(parameters, list(update.unbind()), alpha=-group["lr"] * scale)


def make_optimizers(model: GPT, sizes: Sizes) -> list[torch.optim.Optimizer]:
    """Return AdamW for the embedding and the output layer, Muon for all matrices in the blocks."""
    adam_lr = ADAM_LR * (64 / sizes.width) ** 0.5  # wider layers sum over more inputs and want smaller steps
    outer = [*model.embedding.parameters(), *model.head.parameters()]
    adam = torch.optim.AdamW(outer, adam_lr, BETAS, eps=1e-10, weight_decay=WEIGHT_DECAY, fused=True)
    muon = Muon(list(model.blocks.parameters()), MUON_LR, MUON_MOMENTUM, WEIGHT_DECAY, MUON_STEPS)
    for group in adam.param_groups + muon.param_groups:
        group["peak_lr"] = group["lr"]
    return [adam, muon]


def learning_rate_factor(progress: float) -> float:
    """Return the share of the peak learning rate at `progress` (0..1) through the budget: up, flat, down."""
    rising = progress / WARMUP_FRACTION if WARMUP_FRACTION > 0 else 1.0
    falling = (1 - progress) / COOLDOWN_FRACTION if COOLDOWN_FRACTION > 0 else 1.0
    return min(1.0, rising, falling)


def sample_batch(text: Tensor, sizes: Sizes, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return inputs and next bytes, [batch, context] each, from random places of the training text."""
    starts = torch.randint(len(text) - sizes.context, (sizes.batch, 1), generator=generator).to(text.device)
    windows = text[starts + torch.arange(sizes.context + 1, device=text.device)].long()
    return windows[:, :-1], windows[:, 1:]


def train(run: prepare.Run, model: GPT, sizes: Sizes) -> int:
    """Train until the clock says stop; return the bytes that the counted steps trained on."""
    optimizers = make_optimizers(model, sizes)
    forward = torch.compile(model, dynamic=False) if run.device.type == "cuda" else model
    generator = torch.Generator().manual_seed(run.seed)
    step = 0
    while (progress := run.clock.tick()) < 1.0:
        x, y = sample_batch(run.train, sizes, generator)
        loss = F.cross_entropy(forward(x).flatten(0, 1), y.flatten())
        loss.backward()
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * learning_rate_factor(progress)
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        bits = loss.item() / math.log(2)
        if not math.isfinite(bits):
            sys.exit(f"the loss became {bits} at step {step}")
        if step % 50 == 0:
            print(f"step {step:5d}  {progress:4.0%} of the time  loss {bits:.3f} bits per byte", flush=True)
    return max(0, step - run.clock.free_steps) * sizes.batch * sizes.context


def main() -> None:
    torch.set_num_threads(CPU_THREADS)
    torch.set_float32_matmul_precision("high")
    run = prepare.start()
    sizes = sizes_for(run.device.type)
    if len(run.train) <= sizes.context:
        sys.exit(f"CONTEXT is {sizes.context} bytes, the training text has {len(run.train)}")
    model = GPT(sizes).to(run.device)
    tokens = train(run, model, sizes)
    prepare.finish(run, model, tokens)


if __name__ == "__main__":
    main()
