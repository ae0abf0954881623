"""What `ar init` does: look, propose, write; or copy a ready task.

    survey      what lies in the folder         (tracked files and their text)
    commands    how it is probably run          (`python` for Python projects, `suggestion` the result)
    scripts     which files a command names and runs
    formats     repositories that were made for another tool, one module each
    adapters    scripts that run the evaluators of such tools
    metrics     which number probably counts, and which way it improves
    detect      all proposals, with what was seen
    choices     the proposals, overruled by what the person said
    forging     whether edited code could forge the number that was chosen
    template    the text of autoresearch.toml and program.md
    files       writing them, overwriting nothing
    tasks       the ready tasks

Nothing here runs a command, asks the person or calls git.
"""

from autoresearch.scaffold.choices import Choices, choose, glob_problem, metric_problem
from autoresearch.scaffold.detect import Detected, detect
from autoresearch.scaffold.files import Written, write
from autoresearch.scaffold.forging import forging
from autoresearch.scaffold.metrics import Guess, guess_direction, pick_metric
from autoresearch.scaffold.tasks import Task, copy_task, tasks
from autoresearch.scaffold.template import program_text, template

__all__ = [
    "Choices",
    "Detected",
    "Guess",
    "Task",
    "Written",
    "choose",
    "copy_task",
    "detect",
    "forging",
    "glob_problem",
    "guess_direction",
    "metric_problem",
    "pick_metric",
    "program_text",
    "tasks",
    "template",
    "write",
]
