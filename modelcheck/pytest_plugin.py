"""The pytest plugin: the fixture ``modelcheck``, and ``pytest --modelcheck TARGET``, which makes a test of each rule.

pytest imports this wherever modelcheck is installed, so what not every project needs is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from modelcheck.policy import Policy
    from modelcheck.report import Report
    from modelcheck.road import Target
    from modelcheck.telling.problems import Problem

TRAINS = "modelcheck_train"
_POLICY = pytest.StashKey["Policy"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("modelcheck", "models against a policy")
    group.addoption(
        "--modelcheck",
        action="append",
        default=[],
        dest="modelcheck_targets",
        metavar="TARGET",
        help="check this model, net.py:Net or pkg.mod:Net, by a test of each rule; may be repeated",
    )
    group.addoption(
        "--modelcheck-policy",
        metavar="NAME|FILE",
        help="what is required of it; by default the nearest modelcheck.toml or [tool.modelcheck]",
    )
    group.addoption(
        "--modelcheck-train",
        action="store_true",
        help=f"train it too, and run the tests that are marked with {TRAINS}",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and read the policy before anything is collected."""
    config.addinivalue_line("markers", "modelcheck: a rule on a model, made by --modelcheck")
    config.addinivalue_line("markers", f"{TRAINS}: trains a model; skipped without --modelcheck-train")
    if config.getoption("modelcheck_targets"):
        config.stash[_POLICY] = _policy(config)


@pytest.hookimpl(tryfirst=True)  # so that -k and -m choose among the rules too
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test of each rule, and skip what trains where that is not wanted."""
    if not config.getoption("modelcheck_train"):
        for item in items:
            if item.get_closest_marker(TRAINS):
                item.add_marker(pytest.mark.skip(reason="trains a model: --modelcheck-train runs it"))
    for target in dict.fromkeys(config.getoption("modelcheck_targets")):
        rules = Rules.from_parent(session, name=target, nodeid=target, policy=config.stash[_POLICY])
        items.extend(session.genitems(rules))


class Checker:
    """``modelcheck.inspect`` when it is called, and modelcheck's other functions by name.

    Where the test fails, what they found is shown with it.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def __call__(self, target: Target, **options: Any) -> Report:
        """The report of ``modelcheck.inspect``, which has the same arguments."""
        return self.inspect(target, **options)

    def inspect(self, target: Target, **options: Any) -> Report:
        """The report of ``modelcheck.inspect``."""
        from modelcheck.api import inspect

        return self._shown(inspect(target, **options))

    def train_eval(self, target: Target, **options: Any) -> Report:
        """The report of ``modelcheck.train_eval``."""
        from modelcheck.api import train_eval

        return self._shown(train_eval(target, **options))

    def evaluate(self, target: Target, **options: Any) -> Report:
        """The report of ``modelcheck.evaluate``."""
        from modelcheck.api import evaluate

        return self._shown(evaluate(target, **options))

    def _shown(self, report: Report) -> Report:
        from modelcheck.formats import renderer

        self._item.add_report_section("call", "modelcheck", renderer("concise")(report, width=80, color=False))
        return report


@pytest.fixture(name="modelcheck")
def checker(request: pytest.FixtureRequest) -> Checker:
    """Inspects a model as modelcheck.inspect does: modelcheck("net.py:Net", policy="mnist-20k").facts."""
    return Checker(request.node)


class Rules(pytest.Collector):
    """The rules on one target, which is inspected once, when the first of them is asked."""

    def __init__(self, *, policy: Policy, **options: Any) -> None:
        super().__init__(**options)
        self._policy = policy
        self._trains = bool(self.config.getoption("modelcheck_train"))
        self._report: Report | None = None
        self._failed = ""
        self.add_marker(pytest.mark.modelcheck)

    def collect(self) -> Iterator[pytest.Item]:
        """A test of each rule that the policy does not switch off; the author's code does not run for that."""
        policy = self._policy.training_here(pretrained=False) if self._trains else self._policy
        for one in policy.active():
            waits = one.rule.waits_for_training and not self._trains
            name = f"{one.rule.code}-{one.rule.name}"
            yield RuleTest.from_parent(self, name=name, code=one.rule.code, waits=waits)

    def report(self) -> Report:
        """What is known of the target; where that cannot be, the first test that asks is an error."""
        from modelcheck.errors import ModelcheckError

        if self._failed:  # which the first test that asked has said
            pytest.skip(f"{self.name} could not be inspected")
        if self._report is None:
            try:
                self._report = self._made()
            except ModelcheckError as error:
                self._failed = str(error)
        if self._report is None:
            pytest.fail(self._failed, pytrace=False)
        return self._report

    def _made(self) -> Report:
        from modelcheck.api import inspect, train_eval

        return (train_eval if self._trains else inspect)(self.name, policy=self._policy)


class RuleTest(pytest.Item):
    """One rule on one target."""

    def __init__(self, *, code: str, waits: bool, **options: Any) -> None:
        super().__init__(**options)
        self._code = code
        self._waits = waits

    def setup(self) -> None:
        """Have the target inspected; that it cannot be loaded, captured or run is an error, once."""
        report = self._rules.report()
        if report.verdict == "error" and (found := self._problems(report)):
            pytest.fail(_told(report, found), pytrace=False)

    def runtest(self) -> None:
        """Fail where the rule is violated or nobody can know, skip where it was not run; advice fails nothing."""
        report = self._rules.report()
        found = self._problems(report)
        (outcome,) = (one for one in report.rules if one.code == self._code)
        if any(one.counts for one in found):
            pytest.fail(_told(report, found), pytrace=False)
        if outcome.outcome == "not run":
            pytest.skip(f"{outcome.cause}{': --modelcheck-train trains it' if self._waits else ''}")
        if found:
            pytest.xfail("advice: " + "; ".join(_line(one) for one in found))

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where the rule is found: in no file."""
        return str(self.path), None, self.name

    @property
    def _rules(self) -> Rules:
        assert isinstance(self.parent, Rules)
        return self.parent

    def _problems(self, report: Report) -> list[Problem]:
        from modelcheck.telling.problems import problems

        return [one for one in problems(report) if one.code == self._code]


def _told(report: Report, found: Sequence[Problem]) -> str:
    """The rule with its evidence, and each thing that it found, with the author's file and line."""
    from modelcheck.author_trace import printable

    rule = found[0]
    evidence = next(one.evidence for one in report.rules if one.code == rule.code)
    head = f"{rule.code} {rule.name}" + (f": {printable(evidence)}" if evidence else "")
    return "\n".join([head, *map(_line, found), f"`modelcheck rule {rule.code}` explains the rule."])


def _line(one: Problem) -> str:
    """What is wrong, after the author's file and line."""
    from modelcheck.author_trace import printable
    from modelcheck.telling.problems import message_lines

    text = "\n".join(message_lines(one.message))
    if one.place is None:
        return text
    cell = f", cell {one.place.cell}" if one.place.cell else ""
    return f"{printable(one.place.file)}{cell}:{one.place.line}: {text}"


def _policy(config: pytest.Config) -> Policy:
    """The policy that the command line names.

    Raises:
        pytest.UsageError: it is wrong, or there is none of that name.
    """
    from modelcheck.errors import UsageError
    from modelcheck.policy import load_policy

    try:
        return load_policy(config.getoption("modelcheck_policy"))
    except UsageError as error:
        raise pytest.UsageError(f"--modelcheck-policy: {error}") from None
