"""Where hostile experiments are run: as root and as an ordinary user, at every level."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoresearch.core.isolation import Level
from tests.support.hostile import Lab, everybody, lab_of


@pytest.fixture(scope="module", params=everybody(), ids=lambda who: who.name)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with lab_of(request.param) as lab:
        yield lab


@pytest.fixture(params=list(Level), ids=str)
def level(request: pytest.FixtureRequest) -> Level:
    level: Level = request.param
    return level
