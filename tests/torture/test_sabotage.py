"""A bug that is put back is found; see ``sabotage`` for the bugs and the checks."""

from __future__ import annotations

import pytest

from tests.torture.page import BUG, FOUND
from tests.torture.sabotage import BUGS, CHECKS, look_for

pytestmark = [pytest.mark.torture, pytest.mark.fault("sabotage")]


@pytest.mark.parametrize("check", CHECKS)
def test_without_a_bug_no_check_complains(check):
    """Nothing taken out: no check complains."""
    assert look_for("none", check).said is None


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_is_put_back_is_found(bug, figures):
    """Bug."""
    findings = [look_for(bug, check) for check in CHECKS]
    figures[BUG] = " ".join(str(BUGS[bug].__doc__).split())
    figures[FOUND] = "; ".join(f"{each.check}: {each.said}" for each in findings if each.said) or "nobody"
    assert any(each.said is not None for each in findings), f"nobody saw that {BUGS[bug].__doc__}"
