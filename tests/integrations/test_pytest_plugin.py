from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

import modelcheck
from modelcheck.policy import load_policy
from tests.formats.conftest import FAILING

pytest_plugins = ["pytester"]

PASSING = "reference_model:Net"
Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True, scope="module")
def _torch_is_imported_already() -> None:
    """What a run in this process imports is forgotten after it, and torch cannot be imported twice."""
    modelcheck.inspect(PASSING)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs pytest in this process, in a folder with net.py."""
    pytester.makepyfile(net=FAILING)

    def runs(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-ra", "--strict-markers", *arguments)

    return runs


def test_each_rule_that_is_on_is_a_test(run: Run) -> None:
    active = load_policy("mnist-20k").active()
    found = run("--modelcheck", PASSING, "--modelcheck-policy", "mnist-20k")
    found.assert_outcomes(passed=len(active))
    verbose = run("--modelcheck", PASSING, "--modelcheck-policy", "mnist-20k", "-v", "-k", "MC101 or dropout-rate")
    assert re.findall(r"^(\S+) PASSED", verbose.stdout.str(), re.M) == [
        f"{PASSING}::MC101-parameter-budget",
        f"{PASSING}::MC409-dropout-rate",
    ]


def test_a_rule_that_is_off_is_no_test(run: Run, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("own.toml").write_text('extends = "mnist-20k"\n[rules]\ndropout = "off"\n')
    found = run("--modelcheck", "net.py:Net", "--modelcheck-policy", "own.toml", "--collect-only", "-q")
    assert "MC201" in found.stdout.str()
    assert "MC202" not in found.stdout.str()


def test_a_failure_tells_rule_evidence_and_line(run: Run) -> None:
    found = run("--modelcheck", "net.py:Net", "--modelcheck-policy", "mnist-20k")
    found.assert_outcomes(failed=3, xfailed=1, passed=len(load_policy("mnist-20k").active()) - 4)
    found.stdout.fnmatch_lines(
        [
            "*MC101-parameter-budget*",
            "MC101 parameter-budget: 24,170 parameters, at most 19,999 allowed",
            "net.py:5: 24,170 parameters, at most 19,999 allowed. Largest: fc1 23,550, fc2 310, spare 310",
            "`modelcheck rule MC101` explains the rule.",
        ],
        consecutive=True,
    )
    found.stdout.fnmatch_lines(
        ["XFAIL net.py:Net::MC401-unused-module - advice: net.py:10: spare is declared and never called*"]
    )
    assert "Traceback" not in found.stdout.str()
    assert "pytest_plugin.py" not in found.stdout.str()


def test_what_waits_for_a_training_is_skipped_with_the_cause(run: Run) -> None:
    found = run("--modelcheck", PASSING, "--modelcheck-policy", "era-s6", "-k", "MC501")
    found.assert_outcomes(skipped=1, deselected=len(load_policy("era-s6").active()) - 1)
    found.stdout.fnmatch_lines(["SKIPPED*: nothing was trained*: --modelcheck-train trains it"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.py:Net", "nothing.py:Net: no such file; there are broken.py, net.py"),
        ("broken.py", "broken.py:2: *NameError: *'nx'*"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_one_error(
    run: Run, pytester: pytest.Pytester, target: str, message: str
) -> None:
    pytester.makepyfile(broken="from torch import nn\nclass Net(nx.Module): pass\n")
    found = run("--modelcheck", target, "--modelcheck-policy", "mnist-20k")
    outcomes = found.parseoutcomes()
    assert (outcomes["errors"], outcomes.get("failed", 0)) == (1, 0)
    assert outcomes["skipped"] + outcomes.get("passed", 0) == len(load_policy("mnist-20k").active()) - 1
    found.stdout.fnmatch_lines([message])
    for inner in ("Traceback", "exception occurred", "def setup"):
        assert inner not in found.stdout.str()


def test_a_wrong_policy_ends_it_before_anything_runs(run: Run) -> None:
    found = run("--modelcheck", PASSING, "--modelcheck-policy", "mnist-2k")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["ERROR: --modelcheck-policy: unknown policy 'mnist-2k'; did you mean 'mnist-2*k'?*"])


def test_the_author_s_code_runs_once(run: Run, pytester: pytest.Pytester) -> None:
    runs = pytester.path / "runs.txt"
    pytester.makepyfile(
        net=FAILING.replace("super().__init__()", f"super().__init__(); open({str(runs)!r}, 'a').write('x')")
    )
    run("--modelcheck", "net.py:Net", "--collect-only")
    assert not runs.exists()
    run("--modelcheck", "net.py:Net")
    assert runs.read_text() == "x"


def test_the_fixture_inspects_and_shows_what_it_found(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_small(modelcheck):
            assert modelcheck("reference_model:Net", policy="mnist-20k").parameters.total < 20_000

        def test_large(modelcheck):
            assert modelcheck("net.py:Net", policy="mnist-20k").parameters.total < 20_000

        def test_broken(modelcheck):
            assert modelcheck("net.py:Net", input=(3, 28, 28)).parameters.total < 20_000
        """
    )
    found = run()
    found.assert_outcomes(passed=1, failed=2)
    found.stdout.fnmatch_lines(
        ["*assert 24170 < 20000*", "*Captured modelcheck call*", "net.py:5:1: MC101 24,170 parameters, at most *"]
    )
    found.stdout.fnmatch_lines(["E *AuthorError: net.py:Net: *forward fails*"])


def test_training_tests_are_run_when_they_are_asked_for(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.modelcheck_train
        def test_learns():
            pass
        """
    )
    found = run()
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["SKIPPED*: trains a model: --modelcheck-train runs it"])
    run("--modelcheck-train").assert_outcomes(passed=1)


def test_it_works_in_several_processes(pytester: pytest.Pytester) -> None:
    tells = "super().__init__(); import os; open(f'ran-in-{os.getpid()}', 'w').close()"
    pytester.makepyfile(net=FAILING.replace("super().__init__()", tells))
    arguments = ("--modelcheck", "net.py:Net", "--modelcheck-policy", "mnist-20k", "-n", "2", "--dist", "loadscope")
    found = pytester.runpytest_subprocess(*arguments, "-ra", timeout=200)
    outcomes = found.parseoutcomes()
    assert (outcomes["failed"], outcomes["xfailed"]) == (3, 1)
    found.stdout.fnmatch_lines(["net.py:5: 24,170 parameters, at most 19,999 allowed.*"])
    assert len(list(pytester.path.glob("ran-in-*"))) == 1


def test_who_does_not_use_it_pays_nothing() -> None:
    """Only pytest's own modules are imported with the plugin, and few of modelcheck's."""
    text = "import sys, pytest; old = set(sys.modules); import modelcheck.pytest_plugin; print(*set(sys.modules) - old)"
    made = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert {name for name in made.stdout.split() if "." not in name} <= {"modelcheck"}
    assert {name for name in made.stdout.split() if name.startswith("modelcheck.")} == {"modelcheck.pytest_plugin"}
