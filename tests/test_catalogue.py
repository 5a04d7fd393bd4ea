from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_policy import CONTRACT

from modelcheck.catalogue import (
    policy_schema,
    print_catalogue,
    print_policies,
    print_recipes,
    print_rule,
    recipe_schema,
)
from modelcheck.errors import UsageError
from modelcheck.policy import policy_names, preset_text
from modelcheck.rules import all_rules
from modelcheck.rules.documentation import summary
from modelcheck.training.recipe import load_recipe, recipe_names
from modelcheck.training.recipe import preset_text as recipe_text

RECIPE = """
epochs = 2
batch_size = 64

[optimizer]
name = "sgd"
learning_rate = 0.1
"""


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


@pytest.fixture(scope="module")
def recipe_validator() -> jsonschema.Draft202012Validator:
    schema = recipe_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [*map(recipe_text, recipe_names()), RECIPE], ids=[*recipe_names(), "shortest"])
def test_recipes_are_valid(recipe_validator: jsonschema.Draft202012Validator, text: str) -> None:
    recipe_validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("epochs = 2", ""),
        ("epochs = 2", "epochs = 0"),
        ("epochs = 2", "epochs = 2.5"),
        ("epochs = 2", "epochs = 2\nname = 'mine'"),
        ("epochs = 2", "epochs = 2\nnormalise = true"),
        ("epochs = 2", "epochs = 2\nnormalize = 1"),
        ("epochs = 2", "epochs = 2\nprecision = 'float16'"),
        ("epochs = 2", "epochs = 2\nclip_norm = -1"),
        ("batch_size = 64", "batch_size = 1"),
        ('name = "sgd"', 'name = "adam"'),
        ('name = "sgd"', ""),
        ("learning_rate = 0.1", "learning_rate = 0"),
        ("learning_rate = 0.1", "learning_rate = '0.1'"),
        ("learning_rate = 0.1", "learning_rate = 0.1\nlr = 1"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[schedule]\nkind = 'cosine'"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[schedule]\nwarm_up = 2"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[selection]\nfraction = 0"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[selection]\nfrom_epoch = 1"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[augmentation]\nzoom = 1.1"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[augmentation]\nzoom = [1.0]"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[augmentation]\nfill = 'black'"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[augmentation]\nfill = 256"),
        ("learning_rate = 0.1", "learning_rate = 0.1\n[augmentation]\nrotation = 7"),
    ],
)
def test_what_no_recipe_holds_is_valid_nowhere(
    recipe_validator: jsonschema.Draft202012Validator, old: str, new: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE)
    assert load_recipe(path).name == "mine.toml"
    path.write_text(RECIPE.replace(old, new))
    assert not recipe_validator.is_valid(tomllib.loads(path.read_text()))
    with pytest.raises(UsageError):
        load_recipe(path)


def test_every_key_of_a_recipe_is_described() -> None:
    schema: Any = recipe_schema()
    for name, struct in schema["$defs"].items():
        assert struct["description"]
        assert "``" not in struct["description"]
        for key, value in struct["properties"].items():
            assert "description" in value or "$ref" in value, f"{name}.{key}"


def test_all_recipes_are_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_recipes()
    rows = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [name for name, _ in rows] == list(recipe_names())
    assert [said.rstrip() for name, said in rows if name == "seed"] == [
        "What the assignment's own script does: 20 epochs of plain SGD under slight rotations."
    ]


def test_a_comment_of_several_lines_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("modelcheck.catalogue.recipe_names", lambda: ("mine", "bare"))
    texts = {"mine": "# One,\n# two.\nepochs = 1\n# three", "bare": "epochs = 1"}
    monkeypatch.setattr("modelcheck.catalogue.preset_text", texts.__getitem__)
    print_recipes()
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["mine  One, two.", "bare"]
