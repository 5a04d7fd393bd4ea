"""What ``modelcheck init`` writes, and that it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcheck import cli
from modelcheck.policy import load_policy, policy_names
from tests.formats.conftest import FAILING
from tests.parts import missing

BIN = Path(sys.executable).parent
STUB = """#!/bin/sh
# python, but for what pip would install
if [ "$2" = pip ]; then echo "$@" >> {log}; else exec {python} "$@"; fi
"""
Init = Callable[..., int]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Runs ``modelcheck init`` in an empty folder and gives the exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["modelcheck", "init", *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return run


def bash(script: str, folder: Path, commands: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as GitHub's and GitLab's runners do, with these commands; pip installs nothing."""
    stubs = folder / ".stubs"
    stubs.mkdir(exist_ok=True)
    for name in ("python", "python3"):
        (stubs / name).write_text(STUB.format(log=folder / ".pip", python=sys.executable))
        (stubs / name).chmod(0o755)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": f"{stubs}:{commands}:{BIN}:{os.environ['PATH']}", "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def uncommented(text: str) -> str:
    """The policy with everything that stands in it as a comment, but for the sentences."""
    return re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.M)


class TestPolicy:
    @pytest.mark.parametrize("preset", policy_names())
    def test_it_is_one_and_so_is_what_stands_in_its_comments(self, init: Init, tmp_path: Path, preset: str) -> None:
        assert init("--extends", preset) == 0
        path = tmp_path / "modelcheck.toml"
        assert load_policy().active() == load_policy(preset).active()
        path.write_text(uncommented(path.read_text()))
        whole = load_policy()
        assert whole.title == "Assignment 6"
        assert sum((whole.grading.points or {}).values()) == 100
        assert {one.rule.name for one in whole.active()} >= {"unused-module", "accuracy", "fully-connected"}

    def test_editors_find_its_schema(self, init: Init, tmp_path: Path) -> None:
        import jsonschema

        init()
        text = (tmp_path / "modelcheck.toml").read_text()
        (schema,) = re.findall(r"\A#:schema (\S+)\n", text)
        held = json.loads((tmp_path / schema).read_text())
        jsonschema.validate(tomllib.loads(text), held)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(text.replace("extends", "extend")), held)

    def test_nothing_is_replaced_unless_that_is_asked_for(
        self, init: Init, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        own = tmp_path / "modelcheck.toml"
        own.write_text('extends = "era-s6"\n')
        assert init() == 2
        assert "modelcheck.toml is there already, and nothing was written; --force" in capsys.readouterr().err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["modelcheck.toml"]
        assert init("--github") == 0
        workflow = tmp_path / ".github/workflows/classroom.yml"
        workflow.write_text("mine")
        assert init("--github", "--gitlab") == 2
        assert workflow.read_text() == "mine"
        assert not (tmp_path / ".gitlab-ci.yml").exists()
        assert init("--github", "--force") == 0
        assert workflow.read_text() != "mine"
        assert own.read_text() == 'extends = "era-s6"\n'
        assert init("--github", "--extends", "mnist-20k", "--force") == 2

    def test_a_source_that_no_other_machine_has_is_told(
        self, init: Init, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("modelcheck.init.from_a_folder", lambda: True)
        init("--gitlab")
        assert "Repeat this with --force --requirement git+https://" in capsys.readouterr().err
        assert init("--gitlab", "--force", "--requirement", "git+https://example.org/m@v1") == 0
        assert "--requirement" not in capsys.readouterr().err

    def test_a_preset_that_is_none_is_told(self, init: Init, capsys: pytest.CaptureFixture[str]) -> None:
        assert init("--extends", "era-s8") == 2
        assert "unknown policy 'era-s8'; did you mean 'era-s" in capsys.readouterr().err


class TestGitHub:
    POLICY = 'extends = "mnist-20k"\n[grading]\npoints = { parameter-budget = 60, batch-norm = 40 }\n'

    def job(self, folder: Path) -> dict[str, Any]:
        text = (folder / ".github/workflows/classroom.yml").read_text()
        workflow = yaml.safe_load(text)
        (job,) = workflow["jobs"].values()
        assert dict(job)["runs-on"] == "ubuntu-latest"
        return dict(job)

    def checked(self, folder: Path, commands: Path) -> subprocess.CompletedProcess[str]:
        """The steps that have a script, one after the other."""
        for step in self.job(folder)["steps"]:
            if "run" in step:
                assert "${{" not in step["run"]
                summary = folder / ".summary.md"
                ran = bash(step["run"], folder, commands, GITHUB_STEP_SUMMARY=str(summary), **step.get("env", {}))
        return ran

    def points(self, folder: Path, commands: Path) -> dict[str, int]:
        """What Classroom's grader gives: a test's points where its command exits with 0."""
        graders = [one["with"] for one in self.job(folder)["steps"] if "command-grader" in one.get("uses", "")]
        return {
            one["test-name"]: one["max-score"] * (bash(one["command"], folder, commands).returncode == 0)
            for one in graders
        }

    def test_a_model_that_passes(self, init: Init, commands: Path, tmp_path: Path) -> None:
        init("--github", "--target", "reference_model:Net", "--requirement", "git+https://example.org/m@v1 $(id)")
        ran = self.checked(tmp_path, commands)
        assert ran.returncode == 0, ran.stderr
        assert (tmp_path / ".pip").read_text() == "-m pip install --quiet git+https://example.org/m@v1 $(id)\n"
        assert (tmp_path / ".summary.md").read_text().startswith("### ✅ PASS reference")
        assert self.points(tmp_path, commands) == {"modelcheck": 100}

    def test_a_model_that_fails(self, init: Init, commands: Path, tmp_path: Path) -> None:
        (tmp_path / "modelcheck.toml").write_text(self.POLICY)
        (tmp_path / "net.py").write_text(FAILING.replace("30", "9"))
        init("--github")
        ran = self.checked(tmp_path, commands)
        assert ran.returncode == 1, ran.stderr
        assert "::error file=net.py,line=6,title=MC201 batch-norm::0 live batch norms" in ran.stdout
        assert "❌ FAIL" in (tmp_path / ".summary.md").read_text()
        assert self.points(tmp_path, commands) == {"parameter-budget": 60, "batch-norm": 0}

    def test_every_result_is_reported(self, init: Init, tmp_path: Path) -> None:
        (tmp_path / "modelcheck.toml").write_text(self.POLICY)
        init("--github")
        *steps, reporter = self.job(tmp_path)["steps"]
        ids = [one["id"] for one in steps if "command-grader" in one.get("uses", "")]
        assert reporter["with"]["runners"].split(",") == ids == ["parameter-budget", "batch-norm"]
        assert reporter["env"] == {f"{one.upper()}_RESULTS": f"${{{{ steps.{one}.outputs.result }}}}" for one in ids}

    def test_where_an_accuracy_is_asked_for_the_model_is_trained(self, init: Init, tmp_path: Path) -> None:
        init("--github", "--gitlab", "--extends", "era-s6")
        assert "modelcheck train-eval --isolated" in (tmp_path / ".github/workflows/classroom.yml").read_text()
        assert "modelcheck train-eval --isolated" in (tmp_path / ".gitlab-ci.yml").read_text()

    def test_half_points_are_refused(self, init: Init, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "modelcheck.toml").write_text(self.POLICY.replace("60", "59.5"))
        assert init("--github") == 2
        assert "GitHub Classroom knows whole points only" in capsys.readouterr().err


def test_gitlab_s_pipeline_runs(init: Init, commands: Path, tmp_path: Path) -> None:
    from junitparser import JUnitXml

    init("--gitlab")
    (tmp_path / "net.py").write_text(FAILING)
    job = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())["modelcheck"]
    ran = bash("\n".join(job["script"]), tmp_path, commands, **job["variables"])
    assert ran.returncode == 1, ran.stderr
    assert "✘ FAIL  ." in ran.stdout
    assert JUnitXml.fromfile(str(tmp_path / job["artifacts"]["reports"]["junit"])).failures == 3
    (page,) = job["artifacts"]["paths"]
    assert (tmp_path / page).read_text().startswith("<!doctype html>")


class TestGradescope:
    @pytest.fixture
    def autograder(self, init: Init, tmp_path: Path) -> Path:
        """The folder /autograder as Gradescope sets it up, in another place."""
        wheel = made_wheel(tmp_path)
        assert init("--gradescope", "--requirement", str(wheel)) == 0
        root = tmp_path / "autograder"
        for name in ("source", "submission", "results"):
            (root / name).mkdir(parents=True)
        for path in (*(tmp_path / "gradescope").iterdir(), tmp_path / "modelcheck.toml"):
            shutil.copy(path, root / "source")
        return root

    def test_the_set_up_installs_what_was_asked_for(self, autograder: Path, tmp_path: Path) -> None:
        stubs = tmp_path / "bin"
        stubs.mkdir()
        (stubs / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/apt.log\n')
        (stubs / "apt-get").chmod(0o755)
        ran = subprocess.run(
            [autograder / "source/setup.sh"],
            env={"PATH": f"{stubs}:{BIN}:/usr/bin:/bin", "AUTOGRADER_ROOT": str(autograder), "PIP_NO_INDEX": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.endswith("modelcheck of the wheel\n")
        assert "install -y -qq bubblewrap" in (tmp_path / "apt.log").read_text()

    @pytest.mark.parametrize(("text", "score", "status"), [(None, 1.0, "passed"), (FAILING, 0.0, "failed")])
    def test_a_submission_gets_its_results(self, autograder: Path, text: str | None, score: float, status: str) -> None:
        self.sandboxed()
        import reference_model.net

        source = text or Path(reference_model.net.__file__).read_text()
        (autograder / "submission/net.py").write_text(source)
        ran = self.run(autograder)
        assert ran.returncode == 0, ran.stderr
        results = json.loads((autograder / "results/results.json").read_text())
        assert results["score"] == score
        budget = next(one for one in results["tests"] if one["name"] == "MC101 parameter-budget")
        assert budget["status"] == status

    def test_what_cannot_be_graded_leaves_no_results(self, autograder: Path) -> None:
        (autograder / "source/modelcheck.toml").write_text('extends = "mnist-2k"')
        (autograder / "submission/net.py").write_text(FAILING)
        ran = self.run(autograder)
        assert ran.returncode == 2
        assert "did you mean" in ran.stderr
        assert not list((autograder / "results").iterdir())

    def run(self, autograder: Path) -> subprocess.CompletedProcess[str]:
        (autograder / "venv").symlink_to(Path(sys.prefix))
        return subprocess.run(
            [autograder / "source/run_autograder"],
            cwd=autograder,
            env={**os.environ, "AUTOGRADER_ROOT": str(autograder)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def sandboxed(self) -> None:
        from modelcheck.errors import UsageError
        from modelcheck.grading.sandbox import choose

        try:
            choose("auto")
        except UsageError as error:
            missing(str(error))


def made_wheel(folder: Path) -> Path:
    """A wheel whose ``modelcheck`` says that it is the wheel's."""
    path, info = folder / "modelcheck-9.0-py3-none-any.whl", "modelcheck-9.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("modelcheck.py", 'def main():\n    print("modelcheck of the wheel")\n')
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: modelcheck\nVersion: 9.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\nmodelcheck = modelcheck:main\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path
