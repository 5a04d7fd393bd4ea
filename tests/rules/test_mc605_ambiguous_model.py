from __future__ import annotations

import pytest

from modelcheck.errors import AmbiguousModel, AuthorError, LoadError, NoModel, NotCapturable, TimeLimit

from .making import PLAIN, decide

TEXT = """net.py holds 2 models, and none is clearly the one:
  net.py:A  line 3  9 parameters
  net.py:B  line 9  8 parameters"""


def test_it_lists_the_models() -> None:
    found, (finding,) = decide("MC605", {}, None, failure=AmbiguousModel(TEXT))
    assert (found.outcome, found.evidence, finding.message) == ("fail", "several models could be meant", TEXT)
    assert finding.severity == "error"


@pytest.mark.parametrize("error", [LoadError, NotCapturable])
def test_a_later_step_shows_that_one_was_taken(error: type[AuthorError]) -> None:
    assert decide("MC605", {}, None, failure=error("no"))[0].outcome == "pass"


@pytest.mark.parametrize("error", [NoModel, TimeLimit])
def test_it_is_not_known_where_nothing_was_chosen(error: type[AuthorError]) -> None:
    found, findings = decide("MC605", {}, None, failure=error("no"))
    assert (found.outcome, found.cause, findings) == ("not run", f"{error.code} failed before it", ())


def test_a_captured_model_was_the_one() -> None:
    assert decide("MC605", {}, PLAIN)[0].evidence == "one model is meant"
