import pytest
import torch
from torch import nn

from modelcheck.capturing.inference import capture_for, guesses
from modelcheck.errors import ForwardError, NotCapturable, UsageError
from modelcheck.inputs import InputSpec, input_specs


class Net(nn.Module):
    """A first layer, and a head that fits the picture, the signal or the features that it was made for."""

    def __init__(self, first: nn.Module, features: int, classes: int = 10) -> None:
        super().__init__()
        self.first = first
        self.head = nn.Linear(features, classes)

    def forward(self, x):
        return self.head(self.first(x).flatten(1))


class Pooled(nn.Module):
    def __init__(self, first: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.first = first
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        return self.head(self.first(x).mean((2, 3)))


class Tokens(nn.Module):
    def __init__(self, longest: int = 512) -> None:
        super().__init__()
        self.words = nn.Embedding(1000, 8)
        self.places = nn.Embedding(longest, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens, mask=None):
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1], device=tokens.device))
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        return self.head(x.mean(1))


class Recurrent(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, 8, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x):
        return torch.conv2d(x, self.kernel).mean((2, 3))


class Named(Pooled):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), 4, 10)
        self.image_size = 96


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, one, other):
        return self.fc(one) * self.fc(other)


class WithTarget(Pair):
    def forward(self, x, target):
        return (self.fc(x) - target).square().mean()


INFERRED = {
    "mnist": (Net(nn.Conv2d(1, 4, 3), 4 * 26 * 26), "1x28x28"),
    "mnist, flat": (Net(nn.Linear(784, 8), 8), "784"),
    "mnist, flattened": (Net(nn.Sequential(nn.Flatten(), nn.Linear(784, 8)), 8), "1x28x28"),
    "cifar": (Net(nn.Conv2d(3, 4, 3), 4 * 30 * 30), "3x32x32"),
    "of any size, few classes": (Pooled(nn.Conv2d(3, 4, 3), 4, 10), "3x32x32"),
    "of any size, many classes": (Pooled(nn.Conv2d(3, 4, 3), 4, 1000), "3x224x224"),
    "of any size, a large stem": (Pooled(nn.Conv2d(3, 4, 7, stride=2), 4, 10), "3x224x224"),
    "that fits one size": (Net(nn.Conv2d(3, 4, 3, stride=2, padding=1), 4 * 32 * 32, 200), "3x64x64"),
    "named": (Named(), "3x96x96"),
    "features": (Net(nn.Linear(13, 4), 4), "13"),
    "signal": (Net(nn.Conv1d(2, 4, 3), 4 * 126), "2x128"),
    "volume": (Net(nn.Conv3d(1, 2, 3), 2 * 6 * 30 * 30), "1x8x32x32"),
    "tokens": (Tokens(), "128:int64"),
    "tokens of few places": (Tokens(20), "16:int64"),
    "sequence": (Recurrent(5), "16x5"),
    "rows": (Recurrent(28), "28x28"),
    "functional": (Functional(), "3x32x32"),
    "nothing to go by": (nn.Flatten(), "1x28x28"),
    "lazy": (Net(nn.LazyConv2d(4, 3), 4 * 26 * 26), "1x28x28"),
}


class TestInferred:
    @pytest.mark.parametrize(("model", "expected"), INFERRED.values(), ids=INFERRED.keys())
    def test_what_the_first_layer_takes(self, model, expected):
        (input_,) = capture_for(model, None).header.inputs
        assert InputSpec(input_.shape, input_.dtype) == input_specs(expected)[0]

    def test_two_inputs(self):
        header = capture_for(Pair(), None).header
        assert [one.shape for one in header.inputs] == [(8,), (8,)]

    def test_what_it_was_inferred_from_is_said(self):
        assert capture_for(Named(), None).header.inferred == (
            "first (Conv2d) takes 3 channels of the size that the model names"
        )
        assert capture_for(Tokens(), None).header.inferred == "words (Embedding) takes tokens out of 1,000"
        assert capture_for(Tokens(), input_specs("5:int64")).header.inferred is None

    def test_where_nothing_fits_the_likeliest_is_told(self):
        with pytest.raises(
            ForwardError, match=r"(?s)shape \[2, 3, 32, 32\].*An input of 3x32x32 was assumed"
        ) as caught:
            capture_for(Net(nn.Conv2d(3, 4, 3), 7), None)
        assert "first (Conv2d) takes 3 channels" in caught.value.message

    def test_a_target_is_no_second_input(self):
        with pytest.raises(ForwardError, match="target"):
            capture_for(WithTarget(), None)

    def test_each_is_tried_once(self):
        for model, _ in INFERRED.values():
            tried = [one.inputs for one in guesses(model)]
            assert 1 <= len(tried) == len(set(tried)) <= 16

    def test_the_model_is_left_as_it_was(self):
        model = Net(nn.Conv2d(3, 4, 3, stride=2, padding=1), 4 * 32 * 32, 200)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        capture_for(model, None)
        assert model.training
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


class TestGiven:
    def test_tokens_with_a_batch_of_one_are_a_sequence(self):
        (input_,) = capture_for(Tokens(), input_specs("tokens:1x128:int64")).header.inputs
        assert (input_.name, input_.shape, input_.dtype) == ("tokens", (128,), "int64")

    def test_or_a_sample_of_that_shape(self):
        class Grid(Tokens):
            def forward(self, tokens):
                assert tokens.dim() == 3
                return self.words(tokens[:, 0]).mean(1)

        (input_,) = capture_for(Grid(), input_specs("1x128:int64")).header.inputs
        assert input_.shape == (1, 128)

    def test_several_by_name(self):
        header = capture_for(Tokens(), input_specs(["mask:9:float32", "tokens:9:int64"])).header
        assert [(one.name, one.dtype) for one in header.inputs] == [("mask", "float32"), ("tokens", "int64")]

    def test_positions_come_before_names(self):
        header = capture_for(Tokens(), input_specs(["mask:9", "9:int64"])).header
        assert [(one.name, one.dtype) for one in header.inputs] == [(None, "int64"), ("mask", "float32")]

    def test_the_name_of_the_only_input_need_not_be_forward_s(self):
        assert capture_for(Tokens(), input_specs("ids:9:int64")).header.inputs[0].name is None

    def test_an_unknown_name_among_several(self):
        with pytest.raises(UsageError, match="unknown argument 'maks'; did you mean 'mask'"):
            capture_for(Tokens(), input_specs(["tokens:9:int64", "maks:9"]))

    def test_an_index_beyond_its_table(self):
        with pytest.raises(ForwardError, match="index out of range"):
            capture_for(Tokens(20), input_specs("tokens:21:int64"))

    def test_what_cannot_be_captured_is_not_tried_again(self):
        class Counting(nn.Module):
            calls = 0

            def forward(self, x):
                type(self).calls += 1
                return x * x.sum().item()

        with pytest.raises(NotCapturable):
            capture_for(Counting(), input_specs("1x8:int64"))
        assert Counting.calls <= 4
