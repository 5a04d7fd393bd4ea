from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.errors import AuthorError, ForwardError, LoadError, NoModel, TimeLimit, UnsafeSubmission
from modelcheck.intake import sources, unpacked
from modelcheck.judge import judge
from modelcheck.policy import Policy
from modelcheck.rules import find_rule
from modelcheck.rules.base import Subject

from .making import PLAIN
from .test_every_rule import block

RULE = find_rule("MC606")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pack(name: str) -> None:
    """Run the script that one of the rule's snippets is."""
    assert RULE is not None
    exec(block(RULE, name, "python") or "", {})


def test_bad_is_found() -> None:
    pack("Bad")
    with pytest.raises(UnsafeSubmission) as caught, unpacked("sub.zip"):
        pass
    outcomes, (finding,), _ = judge(Subject(failure=caught.value), Policy().active(["MC606"]))
    (outcome,) = [one for one in outcomes if one.code == "MC606"]
    assert (outcome.code, outcome.outcome, outcome.evidence) == ("MC606", "fail", "is not safe to open")
    assert (finding.code, finding.file) == ("MC606", "sub.zip")
    assert finding.message.startswith("sub.zip: its member '../net.py' leads out of the folder")


def test_good_is_unpacked() -> None:
    pack("Good")
    with unpacked("sub.zip") as folder:
        assert sources(folder) == [folder / "net.py"]
        assert "class Net(nn.Module):" in (folder / "net.py").read_text()


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "pass"),
        (NoModel("none"), "pass"),
        (LoadError("no"), "pass"),
        (ForwardError("no"), "pass"),
        (TimeLimit("no"), "not run"),
        (UnsafeSubmission("no"), "fail"),
    ],
    ids=str,
)
def test_it_is_the_first_step(failure: AuthorError | None, outcome: str) -> None:
    subject = Subject(failure=failure) if failure else Subject(facts=PLAIN)
    outcomes, _, _ = judge(subject, Policy().active(["MC606"]))
    assert [one.outcome for one in outcomes if one.code == "MC606"] == [outcome]
