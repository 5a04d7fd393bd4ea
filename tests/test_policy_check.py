"""What is told of a policy file that is wrong, and where: in errors, by ``--check``, and by the schema."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modelcheck import cli
from modelcheck.catalogue import check_policy, policy_schema
from modelcheck.errors import UsageError
from modelcheck.policy import load_policy


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "policy.toml") -> Path:
    Path(name).write_bytes(text.encode())
    return Path(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[rules]\n\n  batch-nrom = 'required'", "3:3: rules.batch-nrom: unknown rule 'batch-nrom'; did you mean"),
        ("[model]\ninput = [\n  1,\n  0]", "4:3: model.input[1]: expected a whole number >= 1, found 0."),
        ("grading.points = { dropout = 1, batchnorm = 3 }", "1:33: grading.points.batchnorm: unknown rule"),
        ("[grading]\nlate = { penalty-per-day = 0.1 }", "2:1: grading.late: the key 'due' is missing."),
        ("[training]\naccuracy = { mni = 1 }", "2:14: training.accuracy.mni: unknown key 'mni'; did you mean 'min'?"),
        ("[rules]\nparameter-budget = {}", "2:1: rules.parameter-budget: needs a table with min or max"),
        ("title = 'x'\n[model", "not a readable TOML file"),
        ("x = 'x'\ntitle == 1", "2:8: not a readable TOML file: Invalid value."),
        ("x = " + "[" * 50 + "]" * 50, "1:1: x: unknown key 'x'"),
        ("\ufefftitle = 3", "1:1: title: expected a string"),
        ("title = 'a'\r\nmodel = 3", "2:1: model: expected a table"),
    ],
)
def test_an_error_names_line_and_column(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_policy(written(text))
    file, _, said = str(caught.value).partition(":")
    assert file == "policy.toml"
    assert said.lstrip().startswith(told) or told in said


def test_of_a_file_that_is_extended_the_place_is_there() -> None:
    written("[rules]\nbatch-norm = 1", "base.toml")
    with pytest.raises(UsageError, match=r"^base\.toml:2:1: rules\.batch-norm: expected"):
        load_policy(written('title = "x"\nextends = "base.toml"'))


class TestCheck:
    def test_it_tells_what_is_required(self) -> None:
        path = written('extends = "mnist-20k"\n[training]\nrecipe = "fast"\n[rules]\ndropout = "off"')
        assert check_policy(path) == "policy.toml: a policy that requires MC101, MC201, MC203, MC301 and MC302"
        assert check_policy(written("")) == "policy.toml: a policy that requires nothing"

    def test_a_project(self) -> None:
        path = written('[build-system]\n[tool.modelcheck]\nextends = "era-s7"', "pyproject.toml")
        assert check_policy(path).endswith("requires MC101, MC301, MC302 and MC501")
        with pytest.raises(UsageError, match=r"pyproject\.toml: has no table \[tool\.modelcheck\]"):
            check_policy(written("[build-system]", "pyproject.toml"))

    def test_a_recipe_that_is_none(self) -> None:
        with pytest.raises(
            UsageError, match=r"^policy\.toml:2:1: training\.recipe: unknown recipe 'fsat'; did you mean"
        ):
            check_policy(written('[training]\nrecipe = "fsat"'))

    @pytest.mark.parametrize(
        ("arguments", "status", "out", "err"),
        [
            (["--check", "good.toml"], 0, "good.toml: a policy that requires MC201\n", ""),
            (["--check", "bad.toml"], 2, "", "modelcheck: bad.toml:2:1: rules.batch-nrom: unknown rule 'batch-nrom'; "),
            (["--check", "gone.toml"], 2, "", "modelcheck: gone.toml: no such file"),
            (["era-s6", "--schema"], 2, "", "modelcheck: policy: a preset, --schema or --check FILE, one at a time"),
        ],
    )
    def test_the_command(
        self, monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: list[str], status: int, out: str, err: str
    ) -> None:
        written("[rules]\nbatch-norm = 'required'", "good.toml")
        written("[rules]\nbatch-nrom = 'required'", "bad.toml")
        monkeypatch.setattr(sys, "argv", ["modelcheck", "policy", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert (ended.value.code, told.out) == (status, out)
        assert told.err.startswith(err)
        assert bool(told.err) == bool(err)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('extends = "mnist-20k"', True),
        ('extends = "../base.toml"', True),
        ('extends = "mnist-20"', False),
        ("training.recipe = 'fast'", True),
        ("training.recipe = 'fsat'", False),
        ("grading.points = { MC201 = 1, dropout = 2.5 }", True),
        ("grading.points = { batchnorm = 1 }", False),
        ("grading.points = { dropout = -1 }", False),
    ],
)
def test_the_schema_knows_the_names_that_a_policy_may_hold(text: str, valid: bool) -> None:
    assert jsonschema.Draft202012Validator(policy_schema()).is_valid(tomllib.loads(text)) == valid
