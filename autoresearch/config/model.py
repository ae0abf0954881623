"""Every key of `autoresearch.toml`: its table, type, default and, on the line below it, what it means.

These lines are the only documentation of the keys: the file that `ar init` writes and the README's table are made of
them. Not in here: reading the file (`config.load`), comparing it with the repository (`config.files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from autoresearch.config import fields
from autoresearch.config.fields import Later, Table
from autoresearch.core.quantity import Gain


class ExperimentConfig(Table):
    """`[experiment]`: what is run for one sample, and what it gets."""

    command: fields.FilledCommand
    """run by `sh -c`, a list without; {seed} {sample} {experiment} {tag}"""
    setup: fields.Command = ""
    """run once per experiment, before its samples; not timed"""
    timeout: Annotated[fields.Seconds, Field(gt=0)] | None = Field(None, examples=["10m"])
    """limit of a sample; unset: max(2 x slowest baseline, that + 60 s)"""
    checks: fields.FilledTexts = ()
    """commands that must succeed before a change is kept"""
    data: fields.Paths = ()
    """untracked files and folders that it needs, linked read-only"""
    cache: fields.Paths = ()
    """untracked folders that it may write, kept between experiments"""
    artifacts: fields.Paths = ()
    """copied from each kept experiment to .autoresearch/artifacts/"""
    env: fields.Variables = Field({}, examples=[{"OMP_NUM_THREADS": "1"}])
    """environment variables to set"""
    pass_env: fields.Texts = ()
    """names of secret-looking variables to pass on all the same"""
    pythonpath: fields.Paths | None = Field(None, examples=[["src"]])
    """source folders to import from; unset: those installed from here"""
    canary: fields.Flag = True
    """before the baseline: check that the editable files are run"""
    seed: fields.Whole = 0
    """the seeds of all samples follow from it"""
    memory: Annotated[fields.Bytes, Field(gt=0)] | None = Field(None, examples=["16GB"])
    """limit of a sample's memory; unset: what the machine has"""
    gpus: fields.Number | Literal["all"] = 1
    """GPUs that one sample needs, where there are any: 0, 0.5, 2, all"""
    stop_grace: fields.Seconds = 5.0
    """time between asking a sample to stop (TERM) and KILL"""
    isolation: Literal["basic", "guarded", "strict"] | None = Field(None, examples=["strict"])
    """how far an experiment is confined; unset: guarded where it works, else basic"""
    network: fields.Flag = False
    """strict: let experiments use the network all the same"""
    write_paths: fields.Texts = Field((), examples=[["~/.cache/models"]])
    """folders outside that experiments may write"""
    evaluate: fields.Command = ""
    """measures the `artifacts` that `command` made, in a clean checkout of the base"""
    price: fields.DollarsPerHour | None = Field(None, examples=["2.49usd/h"])
    """price of machine time, counted against the money budget"""
    cost: fields.Text = ""
    """a printed number that is money spent, in US dollars"""
    feedback: fields.FileHere = ""
    """file with words of the experiment for the proposer"""


class MetricConfig(Table):
    """`[metric]`: the number that decides, and how it is read."""

    name: fields.MetricName
    """as printed, or ar.seconds, ar.peak_rss_mb: measured by ar itself"""
    direction: fields.Better
    """which way is better: min, max"""
    min_gain: fields.GainOver = Gain()
    """smallest gain that counts, in the metric's unit or in per cent"""
    pattern: fields.Pattern = ""
    """finds the number, which stands in its one (group) if it has one"""
    metrics_file: fields.FileHere = ""
    """JSON file that the command writes; the name may be dotted"""
    seed: Literal["", "none", "not random"] = ""
    """none: a seed of the script's own; not random: nothing random in it"""
    max_samples: Annotated[fields.Whole, Field(ge=2)] = 6
    """most samples of one experiment, where the rule is proved"""
    timing: fields.Flag = False
    """the metric is a duration: guard against drift"""


class DecisionConfig(Table):
    """`[decision]`: the rule that keeps or discards."""

    rule: Literal["proved", "keep-if-better"] = "proved"
    """proved: repeated until beyond the noise; else one sample decides"""
    baseline_samples: Annotated[fields.Whole, Field(ge=1)] | Literal["auto"] = "auto"
    """samples of the baseline; auto: 3, or 1 if they take long"""
    final_check: fields.Flag = True
    """sample baseline and best once more at the end"""
    allow_seed_change: fields.Flag = False
    """run changes that only alter a random seed"""


class ProposerConfig(Table):
    """`[proposer]`: where changes come from."""

    kind: Annotated[Literal["auto", "llm", "tuner", "hybrid", "command"], Later(("hybrid", "command"))] = "auto"
    """auto: llm if a model is named, else tuner"""
    model: fields.Line = Field("", examples=["anthropic/claude-sonnet-4-5"])
    """any LiteLLM model name"""
    api_base: fields.Line = ""
    """address of an OpenAI-compatible server; needs no key"""
    temperature: Annotated[fields.Number, Field(le=2)] | None = Field(None, examples=[1.0])
    """sampling temperature; unset: the model's own"""
    max_tokens: Annotated[fields.Whole, Field(ge=1)] = 16_000
    """limit of one reply, in tokens; less where the budget does not cover it"""
    fallback_models: fields.Texts = ()
    """tried in turn when the model fails, refuses, or is too dear for what is left"""
    repair_attempts: fields.Whole = 2
    """how often a crash may be repaired within its experiment"""
    price_in: fields.Dollars | None = Field(None, examples=["3usd"])
    """per million input tokens, for a model whose price is not known"""
    price_out: fields.Dollars | None = Field(None, examples=["15usd"])
    """per million output tokens"""
    sampler: Literal["local", "cmaes", "tpe"] = "local"
    """how the tuner chooses values"""


class BudgetConfig(Table):
    """`[budget]`: what one call of `ar run` may use; `--budget` replaces a unit."""

    time: Annotated[fields.Seconds, Field(gt=0)] | None = Field(None, examples=["8h"])
    """wall time of one call of ar run"""
    experiments: Annotated[fields.Count, Field(gt=0)] | None = Field(None, examples=[50])
    """proposals recorded by one call"""
    cost: Annotated[fields.Dollars, Field(gt=0)] | None = Field(None, examples=["5usd"])
    """money spent by one call"""
    tokens: Annotated[fields.Count, Field(gt=0)] | None = Field(None, examples=["2Mtok"])
    """tokens, in and out, used by one call"""
    run_cost: Annotated[fields.Dollars, Field(gt=0)] | None = Field(None, examples=["50usd"])
    """money spent by the whole run, over all calls"""


class RunConfig(Table):
    """`[run]`: how many things happen at once."""

    workers: Annotated[fields.Whole, Field(ge=1)] | Literal["auto"] = 1
    """samples that run at the same time; auto: one for each free GPU"""
    lookahead: fields.Whole | Literal["auto"] = "auto"
    """proposals thought of ahead; auto: workers + 1, the tuner's 1"""


class ExecutorConfig(Table):
    """`[executor]`: where samples run."""

    kind: Literal["local", "ray"] = "local"
    """this machine, or a Ray cluster"""
    address: fields.Line = "auto"
    """of the Ray cluster: HOST:PORT, auto; empty: a Ray of its own on this machine"""


class HoldoutConfig(Table):
    """`[holdout]`: a second measurement that no proposer ever sees."""

    command: fields.Command = ""
    """run only on what would be kept"""
    metric: fields.HoldoutMetric = ""
    """name of its metric; unset: that of [metric]"""
    direction: fields.Better | None = Field(None, examples=["min"])
    """which way is better; unset: that of [metric]"""
    when: Literal["keep", "end"] = "keep"
    """on each keep, or only on baseline and best at the end"""


class SimplifyConfig(Table):
    """`[simplify]`: keeping changes that remove code."""

    max_loss: fields.GainOver = Gain()
    """loss allowed to a change that removes code"""


class Config(Table):
    """The whole file."""

    goal: fields.Line = ""
    """what the search is for, in one line"""
    instructions: fields.Path = "program.md"
    """for the proposer; read again before each proposal"""
    editable: Annotated[fields.Globs, Field(min_length=1)]
    """globs of the files that may change; everything else is protected"""
    context: fields.Globs = ()
    """globs of files always shown to the proposer, never changed"""
    markers: fields.Flag = False
    """in a file with EVOLVE-BLOCK markers, only what stands between them may change"""
    experiment: ExperimentConfig
    metric: MetricConfig
    decision: DecisionConfig = DecisionConfig()
    constraints: Mapping[str, fields.Constraint] = Field({}, examples=[{"peak_vram_mb": "<= 48000"}])
    """limit of another printed number, under its name"""
    proposer: ProposerConfig = ProposerConfig()
    budget: BudgetConfig = BudgetConfig()
    run: RunConfig = RunConfig()
    executor: ExecutorConfig = ExecutorConfig()
    holdout: HoldoutConfig = HoldoutConfig()
    simplify: SimplifyConfig = SimplifyConfig()
