import pytest
import torch
from torch import nn

from modelcheck.capturing import weightless
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.weightless import Weightless, described, with_values
from modelcheck.loading import capture_here


class Large(nn.Module):
    """300 × 300 is a large tensor in these tests, and the third one is too much."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Linear(300, 300) for _ in range(3))
        self.three.weight = self.one.weight
        self.four = nn.Parameter(torch.randn(300, 300) * 2)
        self.upper = nn.Parameter(self.two.weight.detach()[:150])
        self.register_buffer("places", torch.arange(300.0))

    def forward(self, x):
        x = self.three(self.two(self.one(x))) + self.places
        return torch.cat([x @ self.four, nn.functional.linear(x, self.upper)], 1)


class NeedsValues(Large):
    def __init__(self) -> None:
        super().__init__()
        self.scale = self.four.abs().max().item()


class HoldsNumbers(Large):
    def __init__(self) -> None:
        super().__init__()
        self.table = [torch.randn(300)]  # which nothing moves

    def forward(self, x):
        return super().forward(x + self.table[0])


SHAPE = (300,)


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weightless, "REAL_BYTES", 2 * 300 * 300 * 4 + 10_000)


def built(kind: type[nn.Module] = Large) -> tuple[nn.Module, bool]:
    with Weightless() as mode:
        model = kind()
    return model, mode.used


class TestWeightless:
    def test_what_is_too_much_is_described(self):
        model, used = built()
        assert used
        assert [name for name, one in model.named_parameters() if one.is_meta] == ["four"]
        assert not model.places.is_meta

    def test_what_is_little_is_real(self, monkeypatch):
        monkeypatch.setattr(weightless, "REAL_BYTES", 10_000_000)
        model, used = built()
        assert not used
        assert not any(one.is_meta for one in model.parameters())

    def test_the_numbers_are_those_that_would_have_been_drawn(self):
        torch.manual_seed(3)
        model, _ = built()
        torch.manual_seed(3)
        plain = Large()
        assert torch.equal(model.one.weight, plain.one.weight)
        assert torch.equal(model.two.bias, plain.two.bias)

    def test_small_tensors_stay_real(self, monkeypatch):
        monkeypatch.setattr(weightless, "REAL_BYTES", 0)
        with Weightless() as mode:
            tensor = torch.zeros(weightless.LEAST_ELEMENTS - 1)
        assert not tensor.is_meta
        assert not mode.used

    def test_a_generator_and_a_device_may_be_given(self, monkeypatch):
        monkeypatch.setattr(weightless, "REAL_BYTES", 0)
        with Weightless():
            assert torch.rand(300, 300, generator=torch.Generator(), device="cpu").is_meta
            assert torch.empty(300, 300, device="meta").is_meta

    def test_values_that_are_needed_raise(self):
        with pytest.raises(RuntimeError, match="meta"):
            built(NeedsValues)


class TestDescribed:
    def test_everything_is_on_meta_and_shared_as_before(self):
        model, _ = built()
        values = described(model)
        assert all(one.is_meta for one in (*model.parameters(), *model.buffers()))
        assert model.three.weight is model.one.weight
        assert model.upper.untyped_storage()._cdata == model.two.weight.untyped_storage()._cdata
        assert torch.equal(values["places"], torch.arange(300.0))

    def test_the_capture_is_that_of_the_real_model(self):
        model, _ = built()
        values = described(model)
        found = with_values(capture_model(model, SHAPE), values)
        expected = capture_model(Large(), SHAPE)
        assert found.header == expected.header
        assert [one.is_meta for one in found.storages].count(False) == 1

    def test_frozen_stays_frozen(self):
        model = nn.Linear(3, 3).requires_grad_(False)
        described(model)
        assert not any(one.requires_grad for one in model.parameters())


class TestLoading:
    @pytest.mark.parametrize("kind", [NeedsValues, HoldsNumbers])
    def test_a_model_that_needs_its_numbers_gets_them(self, kind):
        captured, _ = capture_here(kind, None, weightless=True)
        assert not any(one.is_meta for one in captured.storages)

    def test_of_others_the_large_weights_are_missing(self):
        captured, _ = capture_here(Large, None, weightless=True)
        assert any(one.is_meta for one in captured.storages)

    def test_only_where_they_may_be(self):
        captured, _ = capture_here(Large, None)
        assert not any(one.is_meta for one in captured.storages)
