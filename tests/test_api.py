from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import modelcheck
from modelcheck.errors import LoadError, UsageError
from modelcheck.report import Epoch
from modelcheck.training.datasets import Dataset, load_dataset
from reference_model import Net


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """MNIST with 600 training and 500 test images, in the place of the whole."""
    whole = load_dataset("mnist")
    part = Dataset(
        name="mnist",
        train_images=whole.train_images[:600],
        train_labels=whole.train_labels[:600],
        test_images=whole.test_images[:500],
        test_labels=whole.test_labels[:500],
        mean=whole.mean,
        std=whole.std,
        classes=10,
        official=False,
    )
    monkeypatch.setattr("modelcheck.training.datasets.load_dataset", lambda *_, **__: part)
    return part


class Small(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def test_a_module_a_class_and_a_target_give_the_same_facts() -> None:
    reports = [modelcheck.inspect(what, policy="mnist-20k") for what in (Net(), Net, "reference_model:Net")]
    assert [report.target for report in reports] == ["reference_model.net:Net"] * 2 + ["reference_model:Net"]
    assert reports[0].facts == reports[1].facts == reports[2].facts
    for report in reports:
        assert (report.verdict, report.exit_status, report.findings) == ("pass", 0, ())


def test_the_reference_model_gets_no_finding_from_any_rule() -> None:
    from modelcheck.rules import all_rules

    without_options = [rule.code for rule in all_rules() if not rule.needs_options]
    report = modelcheck.inspect("reference_model:Net", policy="mnist-20k", strict=True)
    assert (report.verdict, report.findings) == ("pass", ())
    # what is required of any other network is not of this one: it has no fully connected layer, by design
    report = modelcheck.inspect("reference_model:Net", select=without_options, ignore=["fully-connected"])
    assert report.findings == ()


def test_arguments_and_shapes_reach_the_constructor_and_forward() -> None:
    report = modelcheck.inspect(Small, arguments={"width": 3})
    assert report.facts is not None
    assert report.facts.parameters.total == 784 * 3 + 3 + 6 + 30 + 10
    report = modelcheck.inspect(nn.Conv2d(3, 8, 5), input=(3, 20, 10))
    assert report.facts is not None
    assert report.facts.output_shape == (8, 16, 6)


def test_what_goes_wrong_in_the_authors_code_is_a_report() -> None:
    class Misfit(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Conv2d(1, 8, 5), nn.Flatten(), nn.Linear(7, 10))

    report = modelcheck.inspect(Misfit)
    assert (report.verdict, report.exit_status, report.facts) == ("error", 3, None)
    (finding,) = report.findings
    assert finding.code == "MC003"
    assert "An input of 1x28x28 was assumed (0 (Conv2d) takes 1 channel); --input" in finding.message
    outcomes = {rule.code: rule.outcome for rule in report.rules}
    assert [outcomes[code] for code in ("MC001", "MC002", "MC003", "MC004")] == ["pass", "pass", "fail", "not run"]


def test_an_input_that_was_given_is_not_called_assumed() -> None:
    report = modelcheck.inspect(nn.Conv2d(3, 8, 5), input=(1, 28, 28))
    assert "assumed" not in report.findings[0].message
    report = modelcheck.inspect(nn.Conv2d(3, 8, 5), policy="mnist-20k")
    assert "assumed" not in report.findings[0].message


def test_what_is_wrong_with_the_call_is_raised() -> None:
    for call in (
        lambda: modelcheck.inspect("nowhere:Net"),
        lambda: modelcheck.inspect(Net(), policy="mnist-2k"),
        lambda: modelcheck.inspect(Net(), arguments={"width": 3}),
        lambda: modelcheck.inspect(Net(), select=["MC999"]),
        lambda: modelcheck.train_eval(Net(), recipe="fats"),
        lambda: modelcheck.train_eval(Net(), dataset="nmist"),
        lambda: modelcheck.train_eval(Net(), save="no/such/folder/w.safetensors"),
        lambda: modelcheck.evaluate(Net(), weights="none.safetensors"),
        lambda: modelcheck.inspect("net.mcz"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.exit_status == 2


def test_capture_raises_the_authors_errors() -> None:
    Path("net.py").write_text(
        "raise SystemExit('a statement that Net does not need')\n"
        "from torch import nn\nBASE = int('no')\nclass Net(nn.Module, BASE): pass\n"
    )
    with pytest.raises(LoadError, match=r"net\.py, line 3: ValueError"):
        modelcheck.capture("net.py:Net")
    with pytest.raises(UsageError, match=r"net\.py has no 'Nets'"):
        modelcheck.capture("net.py:Nets")


def test_a_capture_is_a_target() -> None:
    modelcheck.capture("reference_model:Net", input=(1, 28, 28)).save("net.mcz")
    report = modelcheck.inspect("net.mcz", policy="mnist-20k")
    direct = modelcheck.inspect("reference_model:Net", policy="mnist-20k")
    assert (report.facts, report.layers, report.rules) == (direct.facts, direct.layers, direct.rules)
    with pytest.raises(UsageError, match="was captured for an input of 1x28x28"):
        modelcheck.inspect("net.mcz", input=(3, 28, 28))
    with pytest.raises(UsageError, match="takes no arguments"):
        modelcheck.inspect("net.mcz", arguments={"width": 3})


def test_a_capture_for_another_input_than_the_policys_fails() -> None:
    modelcheck.capture(nn.Sequential(nn.Conv2d(3, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), input=(3, 8, 8)).save(
        "net.mcz"
    )
    report = modelcheck.inspect("net.mcz", policy="mnist-20k")
    assert report.verdict == "fail"
    assert "MC301" in {finding.code for finding in report.findings}


def test_a_damaged_capture_is_a_report() -> None:
    Path("net.mcz").write_bytes(b"PK no")
    report = modelcheck.inspect("net.mcz")
    assert (report.verdict, [finding.code for finding in report.findings]) == ("error", ["MC001"])
    assert "net.mcz is not a usable capture" in report.findings[0].message


def test_training_leaves_the_callers_model_alone(few_images: Dataset) -> None:
    torch.manual_seed(0)
    model = Small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    report = modelcheck.train_eval(model, epochs=6, policy="mnist-20k")
    assert report.metrics is not None
    assert report.metrics.test_accuracy.last > 0.6
    assert report.verdict == "fail"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training


def test_an_observer_hears_of_what_it_asks_for(few_images: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    class Heard(modelcheck.Observer):
        def __init__(self) -> None:
            self.accuracies: list[float] = []

        def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
            assert correct / test_images == epoch.test_accuracy
            self.accuracies.append(epoch.test_accuracy)

    heard = Heard()
    report = modelcheck.train_eval(Small, epochs=2, observer=heard)
    assert report.metrics is not None
    assert heard.accuracies == [one.test_accuracy for one in report.metrics.epochs]
    with modelcheck.TrainingProgress() as progress:
        modelcheck.train_eval(Small, epochs=1, observer=progress)
    assert "Epoch 1/1: loss" in capsys.readouterr().err


def test_parameters_are_had_from_the_report_or_it_says_why_not() -> None:
    assert modelcheck.inspect(Net).parameters.total == 18592
    with pytest.raises(modelcheck.AuthorError, match=r"net:Net: forward fails"):
        modelcheck.inspect(Net, input=(3, 28, 28)).parameters  # noqa: B018


def test_a_seed_repeats_to_the_bit_and_another_does_not(few_images: Dataset) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        report = modelcheck.train_eval(Small, epochs=1, seed=seed, save=f"{name}.safetensors")
        assert report.metrics is not None
        assert report.metrics.seed == seed
    first, again, other = (load_file(f"{name}.safetensors") for name in "abc")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_saved_weights_load_into_the_class_and_score_the_same(few_images: Dataset) -> None:
    trained = modelcheck.train_eval(Small, epochs=1, save="w.safetensors").metrics
    scored = modelcheck.evaluate(Small, weights="w.safetensors").metrics
    assert trained is not None
    assert scored is not None
    assert scored.test_accuracy.last == trained.test_accuracy.last
    assert scored.confusion == trained.confusion
    assert (scored.recipe, scored.seed, scored.epochs) == (None, None, ())
    model = Small()
    model.load_state_dict(load_file("w.safetensors"))
    model.eval()
    images = (few_images.test_images.float() / 255 - 0.1307) / 0.3081
    with torch.no_grad():
        right = (model(images).argmax(1) == few_images.test_labels).float().mean().item()
    assert right == pytest.approx(trained.test_accuracy.last, abs=0.0021)  # one image of 500


def test_weights_are_scored_on_pictures_as_they_were_trained_on(few_images: Dataset) -> None:
    """The recipe seed-aug does not normalise; its weights are wrong for pictures that are."""
    trained = modelcheck.train_eval(Small, recipe="seed-aug", epochs=3, save="w.safetensors").metrics
    scored = modelcheck.evaluate(Small, weights="w.safetensors").metrics
    assert trained is not None
    assert scored is not None
    assert scored.test_loss == pytest.approx(trained.test_loss, abs=1e-5)


def test_training_starts_from_given_weights(few_images: Dataset) -> None:
    trained = modelcheck.train_eval(Small, epochs=12, save="w.safetensors").metrics
    more = modelcheck.train_eval(Small, epochs=1, weights="w.safetensors").metrics
    assert trained is not None
    assert more is not None
    assert more.epochs[0].train_loss < trained.epochs[0].train_loss / 2


def test_least_accuracy_decides_the_verdict(few_images: Dataset) -> None:
    for least, verdict in ((0.05, "pass"), (0.999, "fail")):
        report = modelcheck.train_eval(Small, epochs=1, min_accuracy=least)
        assert report.verdict == verdict


def test_a_model_of_another_input_or_output_cannot_be_trained(few_images: Dataset) -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(784, 32)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x.flatten(1))

    with pytest.raises(UsageError, match="captured for an input of 3x8x8, and mnist has 1x28x28"):
        modelcheck.train_eval(nn.Sequential(nn.Conv2d(3, 10, 8), nn.Flatten()), input=(3, 8, 8))
    report = modelcheck.train_eval(Wide(), min_accuracy=0.5)
    assert (report.verdict, report.metrics) == ("fail", None)
    assert [finding.code for finding in report.findings] == ["MC302"]
    assert "32" in report.findings[0].message
    assert next(rule for rule in report.rules if rule.code == "MC501").outcome == "not run"
    report = modelcheck.train_eval(nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(10)))
    assert (report.verdict, [finding.code for finding in report.findings]) == ("error", ["MC003"])
    assert "nothing to train" in report.findings[0].message


def test_importing_costs_no_torch() -> None:
    code = "import sys, modelcheck; modelcheck.Policy(); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_asked_to_be_scored_and_was_not_does_not_pass(few_images: Dataset) -> None:
    nine = nn.Sequential(nn.Flatten(), nn.Linear(784, 9))
    report = modelcheck.train_eval(nine, min_accuracy=0.1, ignore=["output-shape"])
    assert (report.verdict, report.metrics) == ("fail", None)


def test_a_batch_written_into_the_model_is_a_violation_and_no_crash(few_images: Dataset) -> None:
    class Two(Small):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.reshape(2, 1, 28, 28))

    report = modelcheck.train_eval(Two, epochs=1)
    assert (report.verdict, report.metrics) == ("fail", None)
    assert "MC301" in {finding.code for finding in report.findings}


def test_the_command_s_input_does_not_overrule_the_policy_s() -> None:
    other = nn.Sequential(nn.Conv2d(3, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    report = modelcheck.inspect(other, policy="mnist-20k", input=(3, 32, 32), select=["input-shape"])
    assert (report.verdict, [finding.code for finding in report.findings]) == ("fail", ["MC301"])


def test_the_policys_epochs_are_a_limit(few_images: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[training]\nepochs = 1\naccuracy = { min = 0.1 }\n")
    assert modelcheck.train_eval(Small, policy=path).verdict == "pass"
    report = modelcheck.train_eval(Small, policy=path, epochs=2)
    (finding,) = [one for one in report.findings if one.severity == "error"]
    assert (report.verdict, finding.code) == ("fail", "MC501")
    assert "2 epochs were trained" in finding.message


def test_the_loss_in_training_is_that_of_the_training_graph(few_images: Dataset) -> None:
    class Late(Small):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = super().forward(x)
            return x if self.training else x.log_softmax(1)

    late, plain = (modelcheck.train_eval(kind, epochs=1).metrics for kind in (Late, Small))
    assert late is not None
    assert plain is not None
    assert late.epochs[0].train_loss == plain.epochs[0].train_loss
    assert late.test_accuracy == plain.test_accuracy


def test_an_unknown_device_and_no_epochs_are_told_before_the_work(few_images: Dataset) -> None:
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        modelcheck.train_eval(Small, device="gpu")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 1"):
        modelcheck.train_eval(Small, epochs=0)
    Path("folder").mkdir()
    with pytest.raises(UsageError, match="that is a folder"):
        modelcheck.train_eval(Small, save="folder")
    with pytest.raises(UsageError, match="no such file"):
        modelcheck.train_eval(Small, weights="none.safetensors")


def test_capture_takes_the_policys_input() -> None:
    Path("modelcheck.toml").write_text("[model]\ninput = [3, 8, 8]\n")
    assert modelcheck.capture(nn.Conv2d(3, 1, 3)).header.inputs[0].shape == (3, 8, 8)


@pytest.mark.parametrize(("given", "shown"), [(["1x28x28", "y:3"], "1x28x28 and y:3"), ("784", "784")])
def test_a_model_of_other_inputs_is_not_trained(given: object, shown: str) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
            return self.fc(x.flatten(1))

    with pytest.raises(UsageError, match=f"captured for an input of {shown}, and mnist has 1x28x28"):
        modelcheck.train_eval(Two(), input=given, epochs=1)  # type: ignore[arg-type]
