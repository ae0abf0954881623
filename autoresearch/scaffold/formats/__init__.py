"""Repositories that were made for another tool of this kind: one module per format, each a finder of suggestions.

Nothing of such a repository is changed. Where its evaluator does not print its number, the command runs a script of
ours (`scaffold.adapters`) that runs the evaluator.
"""

from __future__ import annotations

from autoresearch.scaffold.formats import karpathy, openevolve, pi, shinka

FINDERS = (pi.session, karpathy.trio, openevolve.task, shinka.task)
"""The more particular ones first."""
