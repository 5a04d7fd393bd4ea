from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcheck.errors import UsageError
from modelcheck.policy import Policy, load_policy, policy_from_table, policy_names, preset_text
from modelcheck.rules import all_rules
from modelcheck.rules.base import RangeOptions
from modelcheck.rules.mc501_accuracy import AccuracyOptions

CONTRACT = """
extends = "mnist-20k"
title = "Assignment 6"
[model]
input = [1, 28, 28]
classes = 10
[rules]
parameter-budget = { max = 19_999 }        # an option table, or "error", "advice", "off"
batch-norm = "required"                    # or "forbidden", or { min = 2 }
receptive-field = { min = 20 }
unused-module = "error"
[training]
recipe = "fast"
epochs = 20
accuracy = { min = 0.994, of = "best", attempts = 3 }    # best | last | all-of-last-3
[grading]
score = "train"                            # train the graph | "weights": score the weights handed in
points = { parameter-budget = 25, batch-norm = 15, dropout = 15, global-average-pooling = 15, accuracy = 30 }
late = { due = 2026-12-01T23:59:00Z, penalty-per-day = 0.1 }
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(text: str | bytes, name: str = "policy.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return made


def active_codes(policy: Policy, **choice: Any) -> dict[str, str]:
    return {one.rule.code: one.severity for one in policy.active(**choice) if not one.rule.always}


class TestPresets:
    def test_names(self) -> None:
        assert policy_names() == ("era-s6", "era-s7", "mnist-20k", "mnist-25k")

    @pytest.mark.parametrize("name", ["era-s6", "era-s7", "mnist-20k", "mnist-25k"])
    def test_all_are_about_mnist_and_have_a_title(self, name: str) -> None:
        policy = load_policy(name)
        assert (policy.name, policy.model.input, policy.model.classes) == (name, (1, 28, 28), 10)
        assert policy.title
        assert {"MC301", "MC302"} <= set(active_codes(policy))
        assert preset_text(name).strip()

    @pytest.mark.parametrize(
        ("name", "most"), [("mnist-20k", 19_999), ("era-s6", 19_999), ("mnist-25k", 24_999), ("era-s7", 7_999)]
    )
    def test_budget_is_fewer_than(self, name: str, most: int) -> None:
        assert load_policy(name).settings["parameter-budget"] == RangeOptions(max=most)

    @pytest.mark.parametrize(
        ("name", "codes"),
        [
            ("mnist-20k", ["MC101", "MC201", "MC202", "MC203", "MC301", "MC302", "MC401"]),
            ("mnist-25k", ["MC101", "MC206", "MC301", "MC302", "MC401", "MC501"]),
            ("era-s6", ["MC101", "MC201", "MC202", "MC203", "MC301", "MC302", "MC401", "MC501"]),
            ("era-s7", ["MC101", "MC301", "MC302", "MC401", "MC501"]),
        ],
    )
    def test_active_rules(self, name: str, codes: list[str]) -> None:
        severities = active_codes(load_policy(name))
        constraints = [code for code, severity in severities.items() if severity == "error"]
        assert constraints == [code for code in codes if code != "MC401"]
        assert severities["MC401"] == "advice"

    @pytest.mark.parametrize(
        ("name", "accuracy", "epochs"),
        [
            ("mnist-20k", None, None),
            ("mnist-25k", AccuracyOptions(min=0.9501, of="last"), None),
            ("era-s6", AccuracyOptions(min=0.994, of="best"), 20),
            ("era-s7", AccuracyOptions(min=0.994, of="all-of-last-3"), 15),
        ],
    )
    def test_accuracy_and_epochs(self, name: str, accuracy: AccuracyOptions | None, epochs: int | None) -> None:
        policy = load_policy(name)
        assert policy.settings.get("accuracy") == accuracy
        assert policy.training.epochs == epochs

    def test_fewer_than_thirty_layers(self) -> None:
        assert load_policy("mnist-25k").settings["layer-count"] == RangeOptions(max=29)


def test_the_contracts_example(write: Write) -> None:
    policy = load_policy(write(CONTRACT))
    assert policy.title == "Assignment 6"
    assert policy.settings["accuracy"] == AccuracyOptions(min=0.994, of="best", attempts=3)
    assert policy.settings["receptive-field"] == RangeOptions(min=20)
    assert active_codes(policy)["MC401"] == "error"
    assert "MC203" in active_codes(policy), "from mnist-20k"
    assert (policy.training.recipe, policy.training.epochs) == ("fast", 20)
    assert sum((policy.grading.points or {}).values()) == 100
    assert policy.grading.late
    assert policy.grading.late.due.utcoffset() is not None


class TestExtends:
    def test_a_file_and_a_chain(self, write: Write) -> None:
        write('extends = "mnist-20k"\ntitle = "base"\n[rules]\nbatch-norm = { min = 2 }', "shared/base.toml")
        write('extends = "shared/base.toml"\n[training]\nepochs = 3', "middle.toml")
        policy = load_policy(write('extends = "middle.toml"\n[rules]\ndropout = "off"\n[training]\nrecipe = "seed"'))
        assert policy.title == "base"
        assert policy.settings["batch-norm"] == RangeOptions(min=2)
        assert "MC202" not in active_codes(policy)
        assert policy.settings["parameter-budget"] == RangeOptions(max=19_999)
        assert (policy.training.epochs, policy.training.recipe) == (3, "seed"), "tables merge by key"
        assert policy.model.classes == 10

    @pytest.mark.parametrize(
        ("own", "options"),
        [
            ("{ max = 5 }", RangeOptions(max=5)),
            ("{ min = 5 }", RangeOptions(min=5)),
            ('"advice"', RangeOptions(max=19_999, level="advice")),
            ('"error"', RangeOptions(max=19_999, level="error")),
            ('"off"', RangeOptions(max=19_999, level="off")),
        ],
    )
    def test_a_table_replaces_options_and_a_level_keeps_them(
        self, write: Write, own: str, options: RangeOptions
    ) -> None:
        policy = load_policy(write(f'extends = "mnist-20k"\n[rules]\nparameter-budget = {own}'))
        assert policy.settings["parameter-budget"] == options

    def test_a_level_beside_the_accuracy_of_training(self, write: Write) -> None:
        policy = load_policy(write('[rules]\naccuracy = "advice"\n[training]\naccuracy = { min = 0.9 }'))
        assert policy.settings["accuracy"] == AccuracyOptions(min=0.9, level="advice")
        switched_off = load_policy(write('extends = "era-s6"\n[rules]\naccuracy = "off"'))
        assert "MC501" not in active_codes(switched_off)

    @pytest.mark.parametrize("files", [["a"], ["a", "b"], ["a", "b", "c"]])
    def test_a_circle_is_told(self, write: Write, files: list[str]) -> None:
        for name, other in zip(files, [*files[1:], files[0]], strict=True):
            write(f'extends = "{other}.toml"', f"{name}.toml")
        way = " → ".join(f"{name}.toml" for name in [*files, files[0]])
        with pytest.raises(UsageError, match=f":1:1: extends: the files extend .* circle: {re.escape(way)}"):
            load_policy(write('extends = "a.toml"', "start.toml"))

    @pytest.mark.parametrize(
        ("extends", "text"),
        [
            ("mnist-20", "extends: unknown policy 'mnist-20'; did you mean 'mnist-2"),
            ("gone.toml", "extends: .*gone.toml: no such file"),
            ("", "extends: unknown policy ''"),
            (".", "extends: unknown policy '.'"),
            ("a\\u0000.toml", "extends: .*not a readable TOML file"),
        ],
    )
    def test_what_cannot_be_extended(self, write: Write, extends: str, text: str) -> None:
        with pytest.raises(UsageError, match=rf"policy\.toml:1:1: {text}"):
            load_policy(write(f'extends = "{extends}"'))


class TestDiscovery:
    def test_the_nearest_file_counts(self, write: Write, tmp_path: Path) -> None:
        write('[tool.modelcheck]\ntitle = "far"', "pyproject.toml")
        near = write('title = "near"', "a/modelcheck.toml")
        (tmp_path / "a/b/c").mkdir(parents=True)
        (tmp_path / "d").mkdir()
        found = load_policy(start=tmp_path / "a/b/c")
        assert (found.title, found.name) == ("near", str(near))
        assert load_policy(start=tmp_path / "d").title == "far"

    def test_modelcheck_toml_wins_in_one_folder(self, write: Write, tmp_path: Path) -> None:
        write('[tool.modelcheck]\ntitle = "project"', "pyproject.toml")
        write('title = "own"', "modelcheck.toml")
        assert load_policy(start=tmp_path).title == "own"

    def test_a_project_without_the_table_is_passed_by(self, write: Write, tmp_path: Path) -> None:
        write('[tool.modelcheck]\ntitle = "far"', "pyproject.toml")
        write("tool = 3", "a/pyproject.toml")
        write("[tool.ruff]", "a/b/pyproject.toml")
        assert load_policy(start=tmp_path / "a/b").title == "far"

    def test_an_empty_table_is_a_policy(self, write: Write, tmp_path: Path) -> None:
        write("[tool.modelcheck]", "pyproject.toml")
        assert load_policy(start=tmp_path).name == str(tmp_path / "pyproject.toml")

    def test_without_any_nothing_is_required(self, tmp_path: Path) -> None:
        policy = load_policy(start=tmp_path)
        assert policy == Policy()
        assert set(active_codes(policy).values()) == {"advice"}

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("[tool.modelcheck.rules]\nbatchnorm = 'required'", "tool.modelcheck.rules.batchnorm: unknown rule"),
            ("[tool]\nmodelcheck = 3", "tool.modelcheck: expected a table, found 3"),
            ("[tool.modelcheck]\ntitel = ''", "tool.modelcheck.titel: unknown key 'titel'; did you mean 'title'"),
            ("[tool.modelcheck.model]\nclasses = 0", "tool.modelcheck.model.classes: expected"),
        ],
    )
    def test_errors_in_a_project_name_the_whole_path(self, write: Write, tmp_path: Path, text: str, error: str) -> None:
        write(text, "pyproject.toml")
        with pytest.raises(UsageError, match=rf"pyproject\.toml:[12]:\d+: {re.escape(error)}"):
            load_policy(start=tmp_path)


class TestFiles:
    def test_a_byte_order_mark_is_no_harm(self, write: Write) -> None:
        assert load_policy(write(b"\xef\xbb\xbftitle = 'x'")).title == "x"

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"\xff\xfe", "not a readable TOML file"),
            (b"title =", "not a readable TOML file: Invalid value"),
            (b"x = " + b"[" * 100_000, "nested too deeply"),
            (b"x = " + b"9" * 5000, "not a readable TOML file"),
        ],
    )
    def test_what_is_no_toml(self, write: Write, data: bytes, text: str) -> None:
        with pytest.raises(UsageError, match=rf"policy\.toml(:1:\d+)?: .*{text}") as caught:
            load_policy(write(data))
        assert caught.value.exit_status == 2

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="a folder, where a TOML file is expected"):
            load_policy(tmp_path)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("mnist-20.toml", "mnist-20.toml: no such file; .*did you mean 'mnist-2"),
            ("nowhere/x.toml", "nowhere/x.toml: no such file"),
            ("mnist-20K", "unknown policy 'mnist-20K'; did you mean 'mnist-20k'"),
            ("zzz", r"unknown policy 'zzz'\. Known: era-s6, .*ends in \.toml"),
            ("", "unknown policy ''|folder"),
            ("a\0b.toml", "not a readable TOML file"),
            ("x" * 5000 + ".toml", "not a readable TOML file"),
        ],
    )
    def test_what_is_not_there(self, name: str, text: str) -> None:
        with pytest.raises(UsageError, match=text) as caught:
            load_policy(name)
        assert len(str(caught.value)) < 600

    def test_an_unknown_preset_has_no_text(self) -> None:
        with pytest.raises(UsageError, match="did you mean 'era-s6'"):
            preset_text("era-6")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("title = 3", "title: expected a string, found 3."),
        ("[modle]", "modle: unknown key 'modle'; did you mean 'model'?"),
        ("model = 3", "model: expected a table, found 3."),
        ("[model]\ninput = [1, 0]", "model.input[1]: expected a whole number >= 1, found 0."),
        ("[model]\ninput = 28", "model.input: expected an array, found 28."),
        ("[model]\nclasses = 10.0", "model.classes: expected a whole number, found 10.0."),
        ("[model]\nclasses = true", "model.classes: expected a whole number, found true."),
        ("[model]\nclasses = 100_001", "model.classes: expected a whole number <= 100000, found 100001."),
        ("rules = 3", "rules: expected a table, found 3."),
        ("[rules]\nbatch-nrom = 'required'", "rules.batch-nrom: unknown rule 'batch-nrom'; did you mean 'batch-norm'?"),
        ("[rules]\nbatch-norm = 'requred'", "rules.batch-norm: unknown word 'requred'; did you mean 'required'?"),
        ("[rules]\nbatch-norm = 1", "rules.batch-norm: expected a table or one of error, advice, off, required, forb"),
        ("[rules]\nbatch-norm = { mni = 1 }", "rules.batch-norm.mni: unknown key 'mni'; did you mean 'min'?"),
        ("[rules]\nbatch-norm = { min = inf }", "rules.batch-norm.min: expected a whole number, found inf."),
        ("[rules]\nbatch-norm = { min = -1 }", "rules.batch-norm.min: expected a whole number >= 0, found -1."),
        ("[rules]\nbatch-norm = { min = 2, max = 1 }", "rules.batch-norm: min 2 is above max 1."),
        (
            "[rules]\nbatch-norm = { level = 'eror' }",
            "rules.batch-norm.level: expected one of error, advice, off, found",
        ),
        (
            "[rules]\nparameter-budget = 'error'",
            "rules.parameter-budget: needs a table with min or max; modelcheck rule",
        ),
        ("[rules]\nparameter-budget = {}", "rules.parameter-budget: needs a table with min or max"),
        ("[rules]\nMC201 = 'off'\nbatch-norm = 'off'", "rules.batch-norm: the same rule as rules.MC201: keep one"),
        (
            "[rules]\naccuracy = { min = 1 }\n[training]\naccuracy = { min = 0.5 }",
            "rules.accuracy: training.accuracy is",
        ),
        ("[training]\nepochs = 0", "training.epochs: expected a whole number >= 1, found 0."),
        ("[training]\naccuracy = 0.9", "training.accuracy: expected a table, found 0.9."),
        ("[training]\naccuracy = { min = nan }", "training.accuracy.min: expected a number >= 0.0, found nan."),
        (
            "[training]\naccuracy = { min = 99.4 }",
            "training.accuracy.min: expected a number <= 1.0, found 99.4: 99.4 % is 0.994.",
        ),
        (
            "[grading]\nscore = 'trian'",
            "grading.score: expected one of train, weights, found 'trian'; did you mean 'tr",
        ),
        ("[grading.points]\nbatchnorm = 3", "grading.points.batchnorm: unknown rule 'batchnorm'; did you mean 'batch-"),
        (
            "[grading.points]\nunused-module = 3\nbatch-norm = '3'",
            "grading.points.batch-norm: expected a number, found",
        ),
        ("[grading.points]\nunused-module = nan", "grading.points.unused-module: expected a number >= 0.0, found nan."),
        ("[grading.points]\nbatch-norm = 3", "grading.points.batch-norm: batch-norm is not switched on, so nobody can"),
        ("[grading]\nlate = { penalty-per-day = 0.1 }", "grading.late: the key 'due' is missing."),
        ("[grading]\nlate = { due = 2026-12-01T23:59:00 }", "grading.late.due: expected a date and time"),
        ("[grading]\nlate = { due = 'tomorrow' }", "grading.late.due: "),
        (
            "[grading]\nlate = { penalty_per_day = 1 }",
            "grading.late.penalty_per_day: unknown key 'penalty_per_day'; did",
        ),
    ],
)
def test_every_error_names_file_key_and_what_was_expected(write: Write, text: str, error: str) -> None:
    path = write(text)
    with pytest.raises(UsageError) as caught:
        load_policy(path)
    assert re.match(rf"{re.escape(str(path))}:[123]:\d+: {re.escape(error)}", str(caught.value))
    assert caught.value.exit_status == 2
    assert "`" not in str(caught.value), "msgspec's own words"


class TestSelection:
    @pytest.mark.parametrize(
        ("select", "codes"),
        [
            (["MC201"], ["MC201"]),
            (["mc201"], ["MC201"]),
            (["batch-norm"], ["MC201"]),
            (["Batch-Norm", "MC202"], ["MC201", "MC202"]),
            (["MC202, batch-norm"], ["MC201", "MC202"]),
            ("MC201", ["MC201"]),
            (["MC20"], ["MC201", "MC202", "MC203", "MC204"]),
            (["MC1"], ["MC102", "MC103", "MC106", "MC107"]),
            (["MC4"], [rule.code for rule in all_rules() if rule.code.startswith("MC4")]),
        ],
    )
    def test_select_switches_on_what_can_decide_without_options(self, select: Any, codes: list[str]) -> None:
        assert list(active_codes(Policy(), select=select)) == codes

    def test_select_narrows_a_policy_and_keeps_its_options(self) -> None:
        (budget,) = [one for one in load_policy("mnist-20k").active(["MC101"]) if not one.rule.always]
        assert budget.options == RangeOptions(max=19_999)

    def test_the_steps_to_a_capture_always_run(self) -> None:
        active = load_policy("mnist-20k").active(["MC201"], ["MC0", "MC001"])
        always = {rule.code for rule in all_rules() if rule.always}
        assert {"MC001", "MC002", "MC003", "MC004"} <= always
        assert [one.rule.code for one in active] == sorted({*always, "MC201"})

    def test_ignore_wins_over_select(self) -> None:
        assert list(active_codes(Policy(), select=["MC2"], ignore=["MC202", "MC204"])) == ["MC201", "MC203"]

    def test_off_is_overruled_by_the_rules_own_name_alone(self, write: Write) -> None:
        policy = load_policy(write('[rules]\nbatch-norm = "off"'))
        assert "MC201" not in active_codes(policy)
        assert "MC201" not in active_codes(policy, select=["MC2"])
        assert active_codes(policy, select=["MC201"]) == {"MC201": "error"}

    def test_the_steps_to_a_capture_cannot_be_switched_off(self, write: Write) -> None:
        active = load_policy(write('[rules]\nload-error = "off"\nforward-error = "advice"')).active()
        assert {one.severity for one in active if one.rule.always} == {"error"}
        assert {one.rule for one in active if one.rule.always} == {rule for rule in all_rules() if rule.always}

    @pytest.mark.parametrize("option", ["select", "ignore"])
    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("batchnorm", "unknown rule 'batchnorm'; did you mean 'batch-norm'"),
            ("MC999", "unknown rule 'MC999'"),
            ("", "unknown rule ''"),
            ("MC201,,MC202", "unknown rule ''"),
            ("x" * 10_000, "unknown rule 'xxx"),
        ],
    )
    def test_unknown_rules(self, option: str, key: str, text: str) -> None:
        with pytest.raises(UsageError, match=f"--{option}: {text}") as caught:
            Policy().active(**{option: [key]})
        assert len(str(caught.value)) < 2000

    def test_a_rule_that_needs_options_says_how_to_give_them(self) -> None:
        with pytest.raises(UsageError, match=r"MC101 parameter-budget needs options .*under \[rules\].*rule MC101"):
            Policy().active(["MC101"])


class TestLeastAccuracy:
    @pytest.mark.parametrize(("name", "of"), [("era-s7", "all-of-last-3"), ("era-s6", "best"), ("mnist-20k", "last")])
    def test_it_replaces_the_policys_and_keeps_what_it_is_of(self, name: str, of: str) -> None:
        policy = load_policy(name).requiring_accuracy(0.5)
        assert policy.settings["accuracy"] == AccuracyOptions(min=0.5, of=of, level="error")
        assert active_codes(policy)["MC501"] == "error"

    def test_it_is_a_constraint_even_where_the_policy_gives_advice(self, write: Write) -> None:
        policy = load_policy(write('extends = "era-s6"\n[rules]\naccuracy = "off"')).requiring_accuracy(0.9)
        assert active_codes(policy)["MC501"] == "error"

    @pytest.mark.parametrize("least", [-0.1, 1.1, 99.4, float("nan"), float("inf")])
    def test_it_is_a_fraction(self, least: float) -> None:
        with pytest.raises(UsageError, match=r"--min-accuracy .*: a fraction of one is expected"):
            Policy().requiring_accuracy(least)


KEYS = ["extends", "title", "model", "rules", "training", "grading", "input", "classes", "epochs", "accuracy", "points"]
KEYS += ["late", "due", "min", "max", "of", "level", "score", "recipe", "penalty-per-day", "min-rate", "attempts"]
WORDS = ["error", "advice", "off", "required", "mnist-20k", "best", "all-of-last-3", "train", "", "\x1b[31m"]
values = st.recursive(
    st.none().filter(lambda _: False)
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(0, 100)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS)
    | st.dates()
    | st.times()
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*KEYS, *(rule.name for rule in all_rules())]) | st.text(max_size=4), inner, max_size=4
        )
    ),
    max_leaves=12,
)
tables = st.dictionaries(st.sampled_from(KEYS[:6]), values, max_size=4)


def complaint(table: dict[str, Any]) -> str | None:
    """What the policy's reader says against the table; None where it is one."""
    try:
        policy_from_table(table, Path("policy.toml")).active()
    except UsageError as error:
        return str(error)
    return None


@settings(max_examples=300, deadline=None)
@given(tables)
def test_no_table_raises_anything_but_a_usage_error(table: dict[str, Any]) -> None:
    text = complaint(table)
    assert text is None or (text.startswith("policy.toml: ") and len(text) < 1500)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([rule.name for rule in all_rules()]), values)
def test_no_value_of_a_rule_raises_anything_but_a_usage_error(name: str, value: Any) -> None:
    text = complaint({"rules": {name: value}})
    assert text is None or text.startswith(f"policy.toml: rules.{name}")
