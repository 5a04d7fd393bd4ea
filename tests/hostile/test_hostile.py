"""Attacks, family by family: each gets the facts and the verdict that it deserves, and nothing around it changes.

A submission is a file or a folder in ``cases``, or made by one of ``recipes``; ``expected`` says what it deserves.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.facts.structs import Facts
from modelcheck.formats import renderer
from modelcheck.grading.sandbox import choose
from tests.hostile import recipes, surroundings
from tests.hostile.expected import CASES
from tests.hostile.grading import LIMITS, SHORT, Grader

SUBMISSIONS = Path(__file__).parent / "cases"
FAMILIES = 33
PORT = 47113  # as in 25_network/spoken_to.py
LATE_S = 2.0
TRUSTED_S = 30.0  # for what is not the author's, on a busy machine
MOST_TEXT = 20_000
OF_THE_TWIN = (
    "parameters",
    "macs",
    "output_shape",
    "output_kind",
    "receptive_field",
    "weighted_layers",
    "fully_connected",
    "batch_independent",
    "batch_norm.count",
    "dropout.count",
    "dropout.rates",
    "global_average_pooling.count",
)


def _why_not() -> str | None:
    try:
        choose()
    except UsageError as error:
        return str(error)
    return None


pytestmark = pytest.mark.skipif(_why_not() is not None, reason=f"nothing keeps it in: {_why_not()}")


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """With its sandboxes started, and something in its environment that is nobody else's business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELCHECK_SECRET", "the labels")
        made = Grader()
        for limits in (LIMITS, SHORT):
            made.graded(SUBMISSIONS / "00_honest" / "net.py", limits)
        yield made


@pytest.fixture(scope="module")
def twin(grader: Grader) -> Facts:
    """The honest twin's facts."""
    found = grader.graded(SUBMISSIONS / "00_honest" / "net.py").report
    assert found.verdict == "pass"
    assert isinstance(found.facts, Facts)
    return found.facts


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    """Sockets that nobody should speak to."""
    addresses: list[tuple[socket.AddressFamily, object]] = [
        (socket.AF_INET, ("127.0.0.1", PORT)),
        (socket.AF_UNIX, f"\0modelcheck-hostile-{PORT}"),
    ]
    with contextlib.ExitStack() as kept:
        sockets = [kept.enter_context(socket.socket(family, socket.SOCK_STREAM)) for family, _ in addresses]
        for one, (_, address) in zip(sockets, addresses, strict=True):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
            one.listen()
            one.setblocking(False)
        yield sockets


def _recipe(name: str) -> recipes.Recipe | None:
    """What makes the submission, where it is not stored."""
    return getattr(recipes, name.partition("/")[2], None)


def _placed(name: str, course: Path) -> Path:
    """The submission in a course of its own."""
    surroundings.furnish(course)
    if recipe := _recipe(name):
        return recipe(course)
    source = SUBMISSIONS / name
    return Path((shutil.copytree if source.is_dir() else shutil.copy)(source, course / source.name))


def test_every_family_has_a_case_and_every_case_is_expected() -> None:
    stored = {f"{one.parent.name}/{one.name}" for one in SUBMISSIONS.glob("[0-9]*/*") if one.name != "__pycache__"}
    assert stored == {name for name in CASES if not _recipe(name)}
    assert {int(name[:2]) for name in CASES} >= set(range(1, FAMILIES + 1))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=case.hole) if case.hole else (), id=name)
        for name, case in CASES.items()
    ],
)
def test_it_gets_what_it_deserves(
    name: str, grader: Grader, twin: Facts, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case, course = CASES[name], tmp_path / "course"
    listening = request.getfixturevalue("listening") if name.startswith("25_") else ()
    submission = _placed(name, course)
    before = surroundings.seen(course, submission)
    graded = grader.graded(submission, case.limits)
    assert surroundings.seen(course, submission) == before
    for one in listening:
        with pytest.raises(BlockingIOError):
            one.accept()
    assert graded.author_s <= case.limits.wall_s + LATE_S
    assert graded.seconds <= graded.author_s + TRUSTED_S
    report = graded.report
    _assert_readable(renderer("table")(report, width=100, color=False))
    errors = {one.code for one in report.findings if one.severity == "error"}
    assert report.verdict == case.verdict, report.findings
    if case.verdict == "error":
        assert errors & set(case.codes), report.findings
    else:
        assert errors == set(case.codes), report.findings
    for path, expected in case.facts.items():
        assert _fact(report.facts, path) == expected, path
    for path in OF_THE_TWIN if case.twin else ():
        assert _fact(report.facts, path) == _fact(twin, path), path


def _fact(facts: object, path: str) -> object:
    for name in path.split("."):
        facts = getattr(facts, name)
    return facts


def _assert_readable(text: str) -> None:
    """Nothing in it is what a terminal would obey, or without an end."""
    assert len(text) <= MOST_TEXT
    assert text.replace("\n", "").isprintable()
