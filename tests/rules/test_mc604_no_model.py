from __future__ import annotations

import pytest

from modelcheck.errors import AmbiguousModel, AuthorError, Crashed, LoadError, NoModel, UnsafeSubmission

from .making import PLAIN, decide

TEXT = "net.py holds no class of nn.Module. What is there:\n  net.py: 1 function (make_net)"


def test_it_tells_what_there_is_instead() -> None:
    found, (finding,) = decide("MC604", {}, None, failure=NoModel(TEXT, file="net.py"))
    assert (found.outcome, found.evidence, finding.message) == ("fail", "holds no model", TEXT)
    assert (finding.file, finding.severity) == ("net.py", "error")


@pytest.mark.parametrize("error", [AmbiguousModel, LoadError])
def test_a_later_step_shows_that_there_is_one(error: type[AuthorError]) -> None:
    assert decide("MC604", {}, None, failure=error("no"))[0].outcome == "pass"


@pytest.mark.parametrize("error", [UnsafeSubmission, Crashed])
def test_it_is_not_known_where_the_files_were_not_read(error: type[AuthorError]) -> None:
    found, findings = decide("MC604", {}, None, failure=error("no"))
    assert (found.outcome, found.cause, findings) == ("not run", f"{error.code} failed before it", ())


def test_a_captured_model_is_one() -> None:
    assert decide("MC604", {}, PLAIN)[0].evidence == "holds a model"
