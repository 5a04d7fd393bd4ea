from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

import modelcheck
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.protocol import Limits
from modelcheck.report import Report
from modelcheck.rules import all_rules, find_rule
from modelcheck.rules.author_failure import FailureRule
from modelcheck.rules.base import Rule

SECTIONS = ["What it checks", "Why it matters", "Bad", "Good", "Options", "Known limits"]
PACKS = {"MC606"}  # rules whose snippets pack a submission instead of being one; their own tests run them
STOPPED = {"MC601", "MC602", "MC603"}  # the process that loads such a model is stopped, or ends
NAMELESS = {"MC604", "MC605"}  # rules about targets that name no model
HERE = Path(__file__).parent
rules = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)


def section(rule: Rule, name: str) -> str:
    return re.split(r"^## .*$", inspect.getdoc(rule) or "", flags=re.M)[SECTIONS.index(name) + 1]


def block(rule: Rule, name: str, language: str) -> str | None:
    found = re.findall(rf"^```{language}\n(.*?)^```", section(rule, name), flags=re.M | re.S)
    assert len(found) <= 1
    return textwrap.dedent(found[0]) if found else None


def inspected(rule: Rule, name: str, folder: Path) -> Report:
    """The report on one of the rule's snippets, under the policy of its own options."""
    (folder / "net.py").write_text(block(rule, name, "python") or "")
    (folder / "policy.toml").write_text(block(rule, "Options", "toml") or "")
    isolated = rule.code in STOPPED and name == "Bad"
    target = str(folder / "net.py") if rule.code in NAMELESS else f"{folder / 'net.py'}:Net"
    return modelcheck.inspect(target, policy=folder / "policy.toml", isolated=isolated)


@pytest.fixture
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = functools.partial(capture_isolated, limits=Limits(wall_s=5, memory_mib=1024))
    monkeypatch.setattr("modelcheck.isolated.parent.capture_isolated", limited)


@pytest.mark.parametrize("attribute", ["code", "name"])
def test_codes_and_names_are_unique(attribute: str) -> None:
    values = [getattr(rule, attribute) for rule in all_rules()]
    assert len(values) > 10
    assert len(set(values)) == len(values)


def test_rules_come_by_code() -> None:
    codes = [rule.code for rule in all_rules()]
    assert codes == sorted(codes)


@rules
def test_file_class_code_and_name_agree(rule: Rule) -> None:
    snake = rule.name.replace("-", "_")
    assert re.fullmatch(r"MC\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert type(rule).__module__ == f"modelcheck.rules.{rule.code.lower()}_{snake}"
    assert type(rule).__name__ == "".join(word.capitalize() for word in snake.split("_"))


@rules
def test_every_rule_has_its_tests(rule: Rule) -> None:
    module = type(rule).__module__.rpartition(".")[2]
    shared = HERE / "test_author_failure.py"
    assert (HERE / f"test_{module}.py").is_file() or (isinstance(rule, FailureRule) and shared.is_file())


@rules
def test_documentation_has_its_sections(rule: Rule) -> None:
    text = inspect.getdoc(type(rule)) or ""
    assert re.findall(r"^## (.*)$", text, flags=re.M) == SECTIONS
    first = text.split("\n")[0]
    assert first.endswith(".")
    assert all(part.strip() for part in re.split(r"^## .*$", text, flags=re.M))
    assert rule.always or block(rule, "Options", "toml"), "no example of the options"


@rules
def test_example_of_the_options_is_about_the_rule(rule: Rule) -> None:
    table = tomllib.loads(block(rule, "Options", "toml") or "")
    named = {*table.get("rules", {}), *table.get("training", {})}
    assert named == (set() if rule.always else {rule.name})


@rules
@pytest.mark.parametrize("key", [str.lower, str.upper], ids=["lower", "upper"])
def test_a_rule_is_found_by_code_and_name(rule: Rule, key: object) -> None:
    assert callable(key)
    assert find_rule(key(rule.code)) is rule
    assert find_rule(key(rule.name)) is rule


def test_no_rule_is_found_by_another_name() -> None:
    assert find_rule("MC1") is None
    assert find_rule("") is None


@pytest.mark.parametrize(
    "rule",
    [rule for rule in all_rules() if not rule.waits_for_training and rule.code not in PACKS],
    ids=lambda rule: rule.code,
)
@pytest.mark.usefixtures("_little_time")
class TestSnippets:
    def test_bad_is_found(self, rule: Rule, tmp_path: Path) -> None:
        report = inspected(rule, "Bad", tmp_path)
        (outcome,) = [one for one in report.rules if one.code == rule.code]
        assert outcome.outcome == "fail"
        assert rule.code in {finding.code for finding in report.findings}
        assert report.verdict == ("error" if rule.always else "fail")

    def test_good_has_no_finding_at_all(self, rule: Rule, tmp_path: Path) -> None:
        report = inspected(rule, "Good", tmp_path)
        assert report.findings == ()
        assert {one.outcome for one in report.rules} == {"pass"}
        assert rule.code in {one.code for one in report.rules}
        assert report.verdict == "pass"


@pytest.mark.parametrize(("name", "outcome"), [("Bad", "fail"), ("Good", "pass")])
def test_accuracy_snippets_after_one_short_epoch(name: str, outcome: str, tmp_path: Path) -> None:
    import torch

    from modelcheck.graph.model import GraphModel
    from modelcheck.policy import load_policy
    from modelcheck.rules.base import Subject
    from modelcheck.training.datasets import load_dataset
    from modelcheck.training.loop import train
    from modelcheck.training.recipe import load_recipe

    rule = find_rule("MC501")
    assert rule is not None
    report = inspected(rule, name, tmp_path)
    assert report.verdict == "pass", "nothing is required before training"
    mnist = load_dataset("mnist")
    few = dataclasses.replace(
        mnist,
        train_images=mnist.train_images[:4_000],
        train_labels=mnist.train_labels[:4_000],
        test_images=mnist.test_images[:500],
        test_labels=mnist.test_labels[:500],
    )
    torch.manual_seed(0)
    model = GraphModel(modelcheck.capture(f"{tmp_path / 'net.py'}:Net"))
    metrics = train(
        model,
        few,
        load_recipe("fast"),
        output_kind="logits",
        seed=0,
        device=torch.device("cpu"),
        epochs=1,
    )
    options = load_policy(tmp_path / "policy.toml").settings["accuracy"]
    decision = rule.check(Subject(facts=report.facts, metrics=metrics), options)
    assert ("fail" if decision.problems else "pass") == outcome, decision.evidence
