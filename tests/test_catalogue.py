from __future__ import annotations

import datetime
import tomllib
from typing import Any

import jsonschema
import pytest
from test_policy import CONTRACT

from modelcheck.catalogue import policy_schema, print_catalogue, print_policies, print_rule
from modelcheck.errors import UsageError
from modelcheck.policy import policy_names, preset_text
from modelcheck.rules import all_rules
from modelcheck.rules.documentation import summary


def plain(value: Any) -> Any:
    """TOML as JSON has it: dates are strings."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [*map(preset_text, policy_names()), CONTRACT], ids=[*policy_names(), "contract"])
def test_presets_and_the_contracts_example_are_valid(validator: jsonschema.Draft202012Validator, text: str) -> None:
    validator.validate(plain(tomllib.loads(text)))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
@pytest.mark.parametrize("level", ["error", "advice", "off"])
def test_every_rule_has_levels_under_name_and_code(
    validator: jsonschema.Draft202012Validator, rule: Any, level: str
) -> None:
    for key in (rule.name, rule.code):
        assert validator.is_valid({"rules": {key: level}})
        assert validator.is_valid({"rules": {key: {"level": level}}})
        assert not validator.is_valid({"rules": {key: "eror"}})
        assert not validator.is_valid({"rules": {key: {"levle": level}}})


@pytest.mark.parametrize(
    "text",
    [
        "titel = ''",
        "[modle]",
        "[model]\nclases = 10",
        "[model]\nclasses = 0",
        "[model]\ninput = ['1']",
        "[rules]\nbatch-nrom = 'required'",
        "[rules]\nbatch-norm = 'requried'",
        "[rules]\nbatch-norm = { mni = 1 }",
        "[rules]\nbatch-norm = { min = -1 }",
        "[rules]\nparameter-budget = 'required'",
        "[training]\nepoch = 3",
        "[training]\naccuracy = { min = 99.4 }",
        "[training]\naccuracy = { of = 'all' }",
        "[grading]\nscore = 'trian'",
        "[grading]\nlate = { penalty-per-day = 0.1 }",
    ],
)
def test_what_is_misspelt_is_not(validator: jsonschema.Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(plain(tomllib.loads(text)))


@pytest.mark.parametrize("key", ["MC203", "mc203", "global-average-pooling"])
def test_a_rules_documentation(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_rule(key)
    printed = capsys.readouterr().out
    assert printed.startswith("# MC203 global-average-pooling\n\n")
    assert "## Known limits" in printed


def test_an_unknown_rule() -> None:
    with pytest.raises(UsageError, match="unknown rule 'globalaveragepooling'; did you mean 'global-average-pooling'"):
        print_rule("globalaveragepooling")


def test_all_rules_are_listed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_catalogue()
    printed = " ".join(capsys.readouterr().out.split())
    for rule in all_rules():
        assert f"{rule.code} {rule.name} " in printed
        assert summary(rule).split()[0] in printed


def test_all_policies_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    print_policies()
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if not line.startswith(" ")] == list(policy_names())
    assert "fewer than 20,000" in printed
