"""What the tests of faults share."""

import pytest

from tests.torture import chance


@pytest.fixture(autouse=True)
def told(figures):
    """Rounds of chance tell the page how many there were."""
    chance.FIGURES.append(figures)
    yield
    chance.FIGURES.remove(figures)
