from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modelcheck.errors import ForwardError
from modelcheck.facts.structs import OutputKind
from modelcheck.training.datasets import Dataset
from modelcheck.training.evaluation import MISTAKES, evaluate, evaluation_metrics

MakeNet = Callable[[], nn.Module]


class Always(nn.Module):
    """Takes every image for a three."""

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(torch.full((len(x),), 3), 10).float() * 5


def test_loss_and_accuracy_are_those_of_the_whole_set(tiny: Dataset, make_net: MakeNet, cpu: torch.device) -> None:
    model = make_net().eval()
    with torch.no_grad():
        logits = model((tiny.test_images / 255 - 0.1307) / 0.3081)
    result = evaluate(model, tiny, output_kind="logits", device=cpu, batch=64)
    assert result.images == 200
    assert result.correct == int((logits.argmax(1) == tiny.test_labels).sum())
    assert result.accuracy == result.correct / 200
    assert result.loss == pytest.approx(F.cross_entropy(logits, tiny.test_labels).item(), rel=1e-5)


def test_confusion_has_the_true_class_in_rows(tiny: Dataset, cpu: torch.device) -> None:
    result = evaluate(Always(), tiny, output_kind="logits", device=cpu)
    counts = torch.bincount(tiny.test_labels, minlength=10).tolist()
    assert [row[3] for row in result.confusion] == counts
    assert sum(map(sum, result.confusion)) == 200
    assert result.correct == counts[3]


def test_mistakes_are_the_worst_of_the_wrong(tiny: Dataset, make_net: MakeNet, cpu: torch.device) -> None:
    model = make_net().eval()
    with torch.no_grad():
        logits = model((tiny.test_images / 255 - 0.1307) / 0.3081)
    losses, predicted = F.cross_entropy(logits, tiny.test_labels, reduction="none"), logits.argmax(1)
    wrong = [index for index in range(200) if predicted[index] != tiny.test_labels[index]]
    expected = sorted(wrong, key=lambda index: -losses[index])[:MISTAKES]
    found = evaluate(model, tiny, output_kind="logits", device=cpu, batch=64).mistakes
    assert len(wrong) > MISTAKES
    assert [one.index for one in found] == expected
    for one in found:
        assert (one.label, one.predicted) == (tiny.test_labels[one.index], predicted[one.index])
        assert one.loss == pytest.approx(float(losses[one.index]), rel=1e-4)


class Known(nn.Module):
    """Has seen the test: right but for the images from ``first_wrong`` on, whose class it gives another loss."""

    def __init__(self, labels: Tensor, first_wrong: int, score: float) -> None:
        super().__init__()
        self.scores = F.one_hot(labels, 10).float()
        self.scores[first_wrong:] = F.one_hot((labels[first_wrong:] + 1) % 10, 10) * score

    def forward(self, x: Tensor) -> Tensor:
        return self.scores


@pytest.mark.parametrize("wrong", [0, 1, 3, 30])
def test_there_are_no_more_mistakes_than_there_are(tiny: Dataset, cpu: torch.device, wrong: int) -> None:
    model = Known(tiny.test_labels, 200 - wrong, 5.0)
    found = evaluate(model, tiny, output_kind="logits", device=cpu).mistakes
    assert [one.index for one in found] == list(range(200 - wrong, 200))[:MISTAKES]  # of equals the first


def test_a_loss_that_is_not_finite_is_a_mistake_without_one(tiny: Dataset, cpu: torch.device) -> None:
    model = Known(tiny.test_labels, 198, float("nan"))
    found = evaluate(model, tiny, output_kind="logits", device=cpu).mistakes
    assert {one.loss for one in found} == {None}
    assert {one.index for one in found} <= {198, 199}


@pytest.mark.parametrize(("kind", "last"), [("log-probabilities", nn.LogSoftmax(1)), ("probabilities", nn.Softmax(1))])
def test_kinds_of_output_agree(
    tiny: Dataset, make_net: MakeNet, cpu: torch.device, kind: OutputKind, last: nn.Module
) -> None:
    logits = evaluate(make_net(), tiny, output_kind="logits", device=cpu)
    other = evaluate(nn.Sequential(make_net(), last), tiny, output_kind=kind, device=cpu)
    assert other.confusion == logits.confusion
    assert other.loss == pytest.approx(logits.loss, rel=1e-4)


def test_the_model_is_left_as_it_was(tiny: Dataset, make_net: MakeNet, cpu: torch.device) -> None:
    model = make_net().train()
    model[3].eval()  # type: ignore[index]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    evaluate(model, tiny, output_kind="logits", device=cpu)
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


def test_another_number_of_classes_is_the_authors_error(tiny: Dataset, cpu: torch.device) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 7))
    with pytest.raises(ForwardError, match=r"shape \(200, 7\) for 200 images; expected is shape \(200, 10\)"):
        evaluate(model, tiny, output_kind="logits", device=cpu)


def test_normalizing_is_the_recipes_choice(tiny: Dataset, make_net: MakeNet, cpu: torch.device) -> None:
    plain = dataclasses.replace(tiny, mean=(0.0,), std=(1.0,))
    unscaled = evaluate(make_net(), tiny, output_kind="logits", device=cpu, normalize=False)
    assert unscaled.loss == evaluate(make_net(), plain, output_kind="logits", device=cpu).loss
    assert unscaled.loss != evaluate(make_net(), tiny, output_kind="logits", device=cpu).loss


def test_metrics_of_an_evaluation_know_no_training(tiny: Dataset, make_net: MakeNet, cpu: torch.device) -> None:
    result = evaluate(make_net(), tiny, output_kind="logits", device=cpu)
    metrics = evaluation_metrics(result, tiny, device=cpu)
    assert (metrics.recipe, metrics.seed, metrics.epochs) == (None, None, ())
    assert (metrics.dataset, metrics.train_images, metrics.test_images) == ("mnist", 512, 200)
    assert (metrics.device, metrics.dtype, metrics.threads) == ("cpu", "float32", torch.get_num_threads())
    assert metrics.test_accuracy.last == metrics.test_accuracy.best == result.accuracy
    assert (metrics.test_loss, metrics.confusion) == (result.loss, result.confusion)
    assert metrics.images_per_s > 0
