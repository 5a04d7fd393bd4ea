from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
import tomllib
from pathlib import Path
from typing import get_args

import jsonschema
import msgspec
import pytest

import modelcheck
from modelcheck.catalogue import policy_schema
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy, parse_options, policy_from_table
from modelcheck.policy_file import LEVELS
from modelcheck.report import Report, RuleOutcome, Severity
from modelcheck.rules import all_rules, find_rule
from modelcheck.rules.author_failure import FailureRule
from modelcheck.rules.base import Options, Rule
from modelcheck.rules.documentation import SECTIONS
from modelcheck.rules.scaffold import TO_WRITE

# codes, names and kinds are permanent
CATALOGUE = """
MC001 load-error error
MC002 constructor-error error
MC003 forward-error error
MC004 not-capturable error
MC101 parameter-budget error
MC102 hidden-weights error
MC103 unused-parameters advice
MC104 mac-budget error
MC105 size-budget error
MC106 frozen-parameters advice
MC107 shared-weights advice
MC201 batch-norm error
MC202 dropout error
MC203 global-average-pooling error
MC204 fully-connected error
MC205 operators error
MC206 layer-count error
MC207 receptive-field error
MC301 input-shape error
MC302 output-shape error
MC303 output-kind advice
MC304 batch-independence error
MC305 random-evaluation error
MC306 mode-dependent advice
MC401 unused-module advice
MC402 bias-before-batch-norm advice
MC403 dropout-before-batch-norm advice
MC404 double-activation advice
MC405 missing-nonlinearity advice
MC406 activation-on-logits advice
MC407 batch-norm-on-logits advice
MC408 dropout-on-logits advice
MC409 dropout-rate advice
MC410 window-larger-than-map advice
MC411 receptive-field-short advice
MC412 pooling-every-convolution advice
MC413 shrinking-filters advice
MC414 heavy-head advice
MC415 dead-branch advice
MC416 unregistered-module advice
MC417 shared-batch-norm advice
MC501 accuracy error
MC502 epochs-to-accuracy error
MC503 pretrained-start error
MC504 diverged error
MC505 dead-parameters advice
MC506 initial-loss advice
MC507 overfit-gap advice
"""
LONGEST_SUMMARY = 100  # a line of `modelcheck rule` or two
PACKS = {"MC606", "MC607"}  # rules whose snippets are no single submission; their own tests run them
STOPPED = {"MC601", "MC602", "MC603"}  # the process that loads such a model is stopped, or ends
NAMELESS = {"MC604", "MC605"}  # rules about targets that name no model
IMPLIED = {"input-shape", "output-shape"}  # by [model], which examples may give
USUAL_TRAINING = (6_000, 1)  # images and epochs
TRAININGS = {"MC507": (1_500, 12)}  # what is learnt by heart is seen more than once
HERE = Path(__file__).parent
rules = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)


def module_of(rule: Rule) -> str:
    return type(rule).__module__.rpartition(".")[2]


def own_tests(rule: Rule) -> Path:
    """The file of the rule's own tests; the steps to a capture share theirs."""
    own = HERE / f"test_{module_of(rule)}.py"
    return HERE / "test_author_failure.py" if isinstance(rule, FailureRule) and not own.is_file() else own


def section(rule: Rule, name: str) -> str:
    return re.split(r"^## .*$", inspect.getdoc(rule) or "", flags=re.M)[SECTIONS.index(name) + 1]


def block(rule: Rule, name: str, language: str) -> str | None:
    found = re.findall(rf"^```{language}\n(.*?)^```", section(rule, name), flags=re.M | re.S)
    assert len(found) <= 1
    return textwrap.dedent(found[0]) if found else None


def example_policy(rule: Rule) -> Policy:
    """The policy of the rule's own options."""
    return policy_from_table(tomllib.loads(block(rule, "Options", "toml") or ""), Path("policy.toml"))


def inspected(rule: Rule, name: str, folder: Path) -> Report:
    """The report on one of the rule's snippets, under the policy of its own options."""
    (folder / "net.py").write_text(block(rule, name, "python") or "")
    (folder / "policy.toml").write_text(block(rule, "Options", "toml") or "")
    isolated = rule.code in STOPPED and name == "Bad"
    target = str(folder / "net.py") if rule.code in NAMELESS else f"{folder / 'net.py'}:Net"
    return modelcheck.inspect(target, policy=folder / "policy.toml", isolated=isolated)


def said(one: RuleOutcome) -> str:
    return f"{one.outcome}: {one.evidence or one.cause}"


@pytest.fixture
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = functools.partial(capture_isolated, limits=Limits(cpu_s=5, memory_mib=1024))  # whatever else runs
    monkeypatch.setattr("modelcheck.isolated.parent.capture_isolated", limited)


@pytest.mark.parametrize("attribute", ["code", "name"])
def test_codes_and_names_are_unique(attribute: str) -> None:
    values = [getattr(rule, attribute) for rule in all_rules()]
    assert len(values) > 10
    assert len(set(values)) == len(values)


def test_rules_come_by_code() -> None:
    codes = [rule.code for rule in all_rules()]
    assert codes == sorted(codes)


@pytest.mark.parametrize("line", CATALOGUE.split("\n")[1:-1])
def test_the_catalogue_is_whole(line: str) -> None:
    code, name, kind = line.split()
    rule = find_rule(code)
    assert rule is not None, f"{code} {name} is not written yet"
    assert (rule.name, rule.kind) == (name, kind), "codes, names and kinds are permanent"


@rules
def test_file_class_code_and_name_agree(rule: Rule) -> None:
    snake = rule.name.replace("-", "_")
    assert re.fullmatch(r"MC\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert type(rule).__module__ == f"modelcheck.rules.{rule.code.lower()}_{snake}"
    assert type(rule).__name__ == "".join(word.capitalize() for word in snake.split("_"))


@rules
def test_every_rule_has_its_tests(rule: Rule) -> None:
    assert own_tests(rule).is_file(), f"{rule.code} has no {own_tests(rule).name}"


@rules
def test_nothing_is_left_to_write(rule: Rule) -> None:
    files = (Path(inspect.getfile(type(rule))), own_tests(rule))
    left = [
        f"{file.name}:{number}: {line.partition(TO_WRITE)[2].strip()}"
        for file in files
        if file.is_file()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if TO_WRITE in line
    ]
    assert not left, "to be written:\n" + "\n".join(left)


@rules
def test_documentation_has_its_sections(rule: Rule) -> None:
    text = inspect.getdoc(type(rule)) or ""
    assert re.findall(r"^## (.*)$", text, flags=re.M) == list(SECTIONS)
    assert all(part.strip() for part in re.split(r"^## .*$", text, flags=re.M)), "a section is empty"
    assert rule.always or block(rule, "Options", "toml"), "no example of the options"


@rules
def test_the_first_line_says_what_is_found(rule: Rule) -> None:
    first, second, *_ = (inspect.getdoc(type(rule)) or "").split("\n")
    assert first.endswith(".")
    assert not second, "the first sentence is more than a line"
    assert len(first) <= LONGEST_SUMMARY
    assert "|" not in first, "it stands in a table"


@rules
def test_bad_and_good_differ(rule: Rule) -> None:
    bad, good = (block(rule, name, "python") for name in ("Bad", "Good"))
    assert None not in (bad, good), "no model"
    assert bad != good, f"{rule.code}: its Bad and its Good are the same model"


@rules
def test_example_of_the_options_is_about_the_rule(rule: Rule) -> None:
    policy = example_policy(rule)
    assert set(policy.settings) - IMPLIED == (set() if rule.always else {rule.name}) - IMPLIED
    active = {one.rule.name: one.severity for one in policy.active([rule.code] if rule.needs_course else [])}
    assert active[rule.name] == "error", "the example makes the rule a constraint"


@rules
def test_options_are_documented_and_have_defaults(rule: Rule) -> None:
    assert issubclass(rule.options, Options)
    named = {one.encode_name for one in msgspec.structs.fields(rule.options)} - {"level"}
    told = section(rule, "Options")
    assert {name for name in named if not re.search(rf"\b{name}\b", told)} == set()
    assert rule.options() == rule.options(level=None)
    assert named or not rule.needs_options, "it needs options and has none"


@rules
def test_what_is_always_on_has_nothing_to_set(rule: Rule) -> None:
    assert rule.kind in get_args(Severity)
    if rule.always:
        assert (rule.kind, rule.options, rule.words, rule.needs_options) == ("error", Options, {}, False)


@rules
def test_words_and_levels_are_options_and_in_the_schema(rule: Rule) -> None:
    schema = jsonschema.Draft202012Validator(policy_schema())
    example = block(rule, "Options", "toml")
    for word in (*LEVELS, *rule.words):
        assert schema.is_valid({"rules": {rule.name: word}})
        if not (rule.needs_options and word in ("error", "advice")):
            assert isinstance(parse_options(rule, word, "policy.toml", f"rules.{rule.name}"), rule.options)
    schema.validate(tomllib.loads(example or ""))


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
        assert outcome.outcome == "fail", f"on its Bad {rule.code} says {said(outcome)}"
        assert rule.code in {finding.code for finding in report.findings}
        assert report.verdict == ("error" if rule.always else "fail")

    def test_good_has_no_finding_at_all(self, rule: Rule, tmp_path: Path) -> None:
        report = inspected(rule, "Good", tmp_path)
        assert report.findings == ()
        assert [f"{one.code}: {said(one)}" for one in report.rules if one.outcome != "pass"] == []
        assert rule.code in {one.code for one in report.rules}
        assert report.verdict == "pass"


@pytest.fixture
def _few_images(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of MNIST's training images as the rule's snippets need, and 2,000 test images, in place of the whole."""
    from modelcheck.training.datasets import load_dataset

    whole, (images, _) = load_dataset("mnist"), TRAININGS.get(rule.code, USUAL_TRAINING)
    part = dataclasses.replace(
        whole,
        train_images=whole.train_images[:images],
        train_labels=whole.train_labels[:images],
        test_images=whole.test_images[::5],
        test_labels=whole.test_labels[::5],
    )
    monkeypatch.setattr("modelcheck.training.datasets.load_dataset", lambda *given, **how: part)


def trained(rule: Rule, name: str, folder: Path) -> Report:
    """The report on one of the rule's snippets after a short training, under the policy of its own options."""
    before = inspected(rule, name, folder)
    assert (before.verdict, before.findings) == ("pass", ()), "nothing is required before training"
    _, epochs = TRAININGS.get(rule.code, USUAL_TRAINING)
    return modelcheck.train_eval(
        f"{folder / 'net.py'}:Net", policy=folder / "policy.toml", epochs=epochs, device="cpu", threads=1
    )


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.waits_for_training], ids=lambda rule: rule.code)
@pytest.mark.usefixtures("_few_images")
class TestTrainedSnippets:
    def test_bad_is_found(self, rule: Rule, tmp_path: Path) -> None:
        report = trained(rule, "Bad", tmp_path)
        (outcome,) = [one for one in report.rules if one.code == rule.code]
        assert outcome.outcome == "fail", f"on its Bad {rule.code} says {said(outcome)}"
        assert [finding.code for finding in report.findings if finding.severity == "error"] == [rule.code]
        assert report.verdict == "fail"

    def test_good_has_no_finding_at_all(self, rule: Rule, tmp_path: Path) -> None:
        report = trained(rule, "Good", tmp_path)
        assert report.findings == ()
        assert [f"{one.code}: {said(one)}" for one in report.rules if one.outcome != "pass"] == []
        assert rule.code in {one.code for one in report.rules}
        assert report.verdict == "pass"
