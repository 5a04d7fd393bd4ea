"""Which rules on a training are on where, and what they do to the verdict."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

import modelcheck
from modelcheck.errors import UsageError
from modelcheck.policy import Policy, policy_from_table
from modelcheck.report import Report
from modelcheck.training.datasets import load_dataset

ON_WHEN_TRAINED = ["MC503", "MC504", "MC505", "MC506", "MC507"]
NET = """
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST with 1,000 training and 200 test images, in the place of the whole."""
    whole = load_dataset("mnist")
    part = dataclasses.replace(
        whole,
        train_images=whole.train_images[:1_000],
        train_labels=whole.train_labels[:1_000],
        test_images=whole.test_images[:200],
        test_labels=whole.test_labels[:200],
    )
    monkeypatch.setattr("modelcheck.training.datasets.load_dataset", lambda *given, **how: part)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The target of a net in a file."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    return "net.py:Net"


@pytest.fixture
def weights(net: str) -> str:
    """What the net learnt."""
    modelcheck.train_eval(net, policy=Policy(), epochs=3, save="net.safetensors", device="cpu")
    return "net.safetensors"


def policy(**rules: object) -> Policy:
    return policy_from_table({"rules": {name.replace("_", "-"): one for name, one in rules.items()}}, Path("p.toml"))


def on_training(report: Report) -> dict[str, str]:
    return {one.code: one.outcome for one in report.rules if "MC5" < one.code < "MC6"}


def test_they_are_on_where_something_is_trained(net: str) -> None:
    report = modelcheck.train_eval(net, policy=Policy(), epochs=1, device="cpu")
    assert on_training(report) == dict.fromkeys(ON_WHEN_TRAINED, "pass")
    assert report.verdict == "pass"


def test_they_are_off_where_nothing_is(net: str, weights: str) -> None:
    assert on_training(modelcheck.inspect(net, policy=Policy())) == {}
    scored = modelcheck.evaluate(net, policy=Policy(), weights=weights, device="cpu")
    assert (on_training(scored), scored.verdict) == ({}, "pass")
    assert scored.metrics is not None
    assert scored.metrics.weights == weights


def test_what_a_policy_names_is_in_every_report(net: str) -> None:
    report = modelcheck.inspect(net, policy=policy(diverged="error", initial_loss="advice"))
    assert on_training(report) == {"MC504": "not run", "MC506": "not run"}
    assert report.verdict == "pass", "nothing was asked to be trained"


def test_they_can_be_selected(net: str) -> None:
    report = modelcheck.inspect(net, policy=Policy(), select=["MC5"])
    assert on_training(report) == dict.fromkeys(ON_WHEN_TRAINED, "not run")


def test_a_policy_and_the_command_switch_them_off(net: str) -> None:
    switched = policy(pretrained_start="off", initial_loss="off", diverged="advice")
    report = modelcheck.train_eval(net, policy=switched, ignore=["overfit-gap"], epochs=1, device="cpu")
    assert on_training(report) == dict.fromkeys(["MC504", "MC505"], "pass")
    assert [one.severity for one in report.rules if one.code == "MC504"] == ["advice"]


def test_a_model_that_was_trained_elsewhere_fails(net: str, weights: str) -> None:
    Path("net.py").write_text(
        NET + "\ndef make():\n    import safetensors.torch\n    net = Net()\n"
        f"    net.load_state_dict(safetensors.torch.load_file('{weights}'))\n    return net\n"
    )
    report = modelcheck.train_eval("net.py:make", policy=Policy(), epochs=1, device="cpu")
    assert (report.verdict, report.exit_status) == ("fail", 1)
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert finding.code == "MC503"
    assert "200 test images were right before any training" in finding.message


def test_to_go_on_from_given_weights_is_the_users_own_wish(net: str, weights: str) -> None:
    report = modelcheck.train_eval(net, policy=Policy(), weights=weights, epochs=1, device="cpu")
    outcomes = on_training(report)
    assert (outcomes["MC503"], outcomes["MC506"], outcomes["MC504"]) == ("not run", "not run", "pass")
    causes = {one.code: one.cause for one in report.rules}
    assert causes["MC503"] == f"the training started from {weights}, as it was told to"
    assert report.verdict == "pass"
    assert report.metrics is not None
    assert (report.metrics.weights, report.metrics.start is not None) == (weights, True)


def test_a_policy_that_requires_a_fresh_start_is_not_met_by_given_weights(net: str, weights: str) -> None:
    required = policy(pretrained_start="error")
    report = modelcheck.train_eval(net, policy=required, weights=weights, epochs=1, device="cpu")
    assert (on_training(report)["MC503"], report.verdict) == ("not run", "fail")


def test_a_training_that_diverges_fails() -> None:
    class Log(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x.flatten(1)).clamp(min=0).log()

    report = modelcheck.train_eval(Log(), policy=Policy(), epochs=2, device="cpu")
    assert report.verdict == "fail"
    assert [one.code for one in report.findings if one.severity == "error"] == ["MC504"]


def test_points_may_be_given_for_what_a_training_switches_on() -> None:
    table = {"grading": {"points": {"diverged": 10, "dead-parameters": 5}}}
    assert policy_from_table(table, Path("p.toml")).grading.points == {"diverged": 10, "dead-parameters": 5}
    table["grading"]["points"] = {"epochs-to-accuracy": 10}
    with pytest.raises(UsageError, match="epochs-to-accuracy is not switched on, so nobody can get its points"):
        policy_from_table(table, Path("p.toml"))
