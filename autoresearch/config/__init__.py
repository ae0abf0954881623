"""`autoresearch.toml`: its keys, reading it, and comparing it with the repository.

    model       every key with its type, default and one line of documentation
    fields      the types of the keys: units, words for people, what belongs to a later version
    load        from the file, or a text, to a `Config`
    problems    what is wrong, with file, line and key (`lines` finds the line)
    files       finding the file, and whether what it names exists
    reference   the keys as data, for the README and for `ar init`

Nothing here writes a file or asks git; it is the only owner of pydantic.
"""

from autoresearch.config.fields import parse_direction
from autoresearch.config.files import check_files, find
from autoresearch.config.load import load, parse
from autoresearch.config.model import (
    BudgetConfig,
    Config,
    DecisionConfig,
    ExecutorConfig,
    ExperimentConfig,
    HoldoutConfig,
    MetricConfig,
    ProposerConfig,
    RunConfig,
    SimplifyConfig,
)
from autoresearch.config.reference import KeyDoc, reference, reference_table
from autoresearch.config.toml import toml_key, toml_value

__all__ = [
    "BudgetConfig",
    "Config",
    "DecisionConfig",
    "ExecutorConfig",
    "ExperimentConfig",
    "HoldoutConfig",
    "KeyDoc",
    "MetricConfig",
    "ProposerConfig",
    "RunConfig",
    "SimplifyConfig",
    "check_files",
    "find",
    "load",
    "parse",
    "parse_direction",
    "reference",
    "reference_table",
    "toml_key",
    "toml_value",
]
