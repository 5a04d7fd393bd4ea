"""The action's steps and the hooks of pre-commit, run here as they are run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.formats.conftest import FAILING
from tests.integrations.test_init import BIN, bash

ROOT = Path(__file__).parent.parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())


class Job:
    """What a runner does with the action: scripts run, expressions are put into variables and conditions."""

    def __init__(self, folder: Path, commands: Path, **inputs: str) -> None:
        self.folder, self.commands = folder, commands
        self.inputs = {name: str(one["default"]) for name, one in ACTION["inputs"].items()} | inputs
        self.status, self.printed, self.outputs = 0, "", dict[str, str]()
        for step in ACTION["runs"]["steps"]:
            if "run" in step and not self.status:
                self._run(step)

    @property
    def summary(self) -> str:
        return (self.folder / ".summary.md").read_text()

    def _run(self, step: dict[str, Any]) -> None:
        assert "${{" not in step["run"], "an expression within a script is run"
        assert step["shell"] == "bash"
        names = {
            key: value.removeprefix("${{ inputs.").removesuffix(" }}") for key, value in step.get("env", {}).items()
        }
        temporary, outputs = self.folder / ".temporary", self.folder / ".outputs"
        temporary.mkdir(exist_ok=True)
        ran = bash(
            step["run"],
            self.folder,
            self.commands,
            GITHUB_ACTION_PATH=str(ROOT),
            GITHUB_STEP_SUMMARY=str(self.folder / ".summary.md"),
            GITHUB_OUTPUT=str(outputs),
            RUNNER_TEMP=str(temporary),
            **{key: self.inputs[name] for key, name in names.items()},
        )
        self.status, self.printed = ran.returncode, ran.stdout + ran.stderr
        if outputs.exists():
            self.outputs = dict(line.split("=", 1) for line in outputs.read_text().splitlines())


def test_the_reference_model_passes(commands: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, commands, target="reference_model:Net", policy="mnist-20k")
    assert job.status == 0, job.printed
    assert (tmp_path / ".pip").read_text() == f"-m pip install --quiet {ROOT}\n"
    assert job.summary.startswith("### ✅ PASS reference")
    assert job.outputs["verdict"] == "pass"


def test_a_model_that_violates_the_policy_fails(commands: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FAILING)
    job = Job(tmp_path, commands, policy="mnist-20k")
    assert job.status == 1, job.printed
    assert "::error file=net.py,line=6,title=MC101 parameter-budget::24,170 parameters" in job.printed
    assert job.summary.startswith("### ❌ FAIL")
    assert job.outputs["verdict"] == "fail"
    found = json.loads(Path(job.outputs["sarif"]).read_text())["runs"][0]["results"]
    assert {one["ruleId"] for one in found} >= {"MC101", "MC201", "MC203"}
    assert json.loads(Path(job.outputs["report"]).read_text())["facts"]["parameters"]["total"] == 24170


@pytest.mark.parametrize("name", ["target", "policy"])
def test_what_an_input_says_is_never_run(commands: Path, tmp_path: Path, name: str) -> None:
    job = Job(
        tmp_path,
        commands,
        **{"target": "reference_model:Net", name: '"; touch ran; echo $(touch ran) `touch ran` --output ran'},
    )
    assert job.status == 2, job.printed
    assert not (tmp_path / "ran").exists()
    assert job.outputs == {}


def test_each_input_reaches_the_step(commands: Path, tmp_path: Path) -> None:
    """Of ``train`` it is seen by what only a training asks: the data set does not fit the policy's input."""
    (tmp_path / "policy.toml").write_text("[model]\ninput = [3, 8, 8]\n")
    job = Job(tmp_path, commands, target="reference_model:Net", policy="policy.toml", train="true")
    assert job.status == 2
    assert "the policy asks for an input of 3x8x8" in job.printed


def test_what_is_uploaded_is_what_was_made() -> None:
    upload = ACTION["runs"]["steps"][-1]
    assert upload["with"]["sarif_file"] == ACTION["outputs"]["sarif"]["value"] == "${{ steps.check.outputs.sarif }}"
    assert "inputs.sarif == 'true'" in upload["if"]


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the hooks, as pre-commit clones it."""
    folder = tmp_path_factory.mktemp("hooks")
    (folder / ".pre-commit-hooks.yaml").write_bytes((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    committed(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def committed(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "-m", "all")


@pytest.mark.parametrize(
    ("policy", "target", "status", "text"),
    [
        ('extends = "mnist-20k"\n', "reference_model:Net", 0, "PASS reference_model:Net"),
        ('extends = "mnist-20k"\n', "net.py:Net", 1, "net.py:6:1: MC101 24,170 parameters"),
        ('extend = "mnist-20k"\n', "reference_model:Net", 1, "did you mean"),
    ],
)
def test_the_hooks_of_pre_commit(
    hooks: Path, commands: Path, tmp_path: Path, policy: str, target: str, status: int, text: str
) -> None:
    """In the environment that is here: pre-commit would make one, with torch in it."""
    ours = [{"id": one, "language": "system", "verbose": True} for one in ("modelcheck", "modelcheck-policy")]
    ours[0]["args"] = [target]
    repository = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": ours}
    project = tmp_path / "project"
    project.mkdir()
    (project / "net.py").write_text(FAILING)
    (project / "modelcheck.toml").write_text(policy)
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [repository]}))
    committed(project)
    ran = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=project,
        env={**os.environ, "PATH": f"{commands}:{BIN}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, text in ran.stdout) == (status, True), ran.stdout + ran.stderr
