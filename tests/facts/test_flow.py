import torch
import torch.nn.functional as F
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.flow import MODEL_INPUT, Flow


def flow_of(model: nn.Module, shape: tuple[int, ...] = (1, 8, 8)) -> Flow:
    return compute_facts(capture_model(model, shape)).flows.train


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu_(self.bn(self.conv(x)))
        return self.fc(x.mean((2, 3)).contiguous().view(-1, 4))


class TestFlow:
    def test_operators_and_their_neighbours(self):
        flow = flow_of(Net())
        assert [one.name for one in flow.used] == ["conv2d", "batch_norm", "relu_", "mean", "linear"]
        conv, norm, relu, mean, linear = flow.used
        assert conv.inputs == (MODEL_INPUT,)
        assert flow.source(conv) is None
        assert (flow.source(norm), flow.user(norm)) == (conv, relu)
        assert flow.source(linear) == mean  # views are looked through
        assert flow.last == linear
        assert flow.user(linear) is None
        assert [one.name for one in flow.upstream(linear)] == ["mean", "relu_", "batch_norm", "conv2d"]
        assert [one.name for one in flow.downstream(norm)] == ["relu_", "mean", "linear"]

    def test_arguments_and_weights_by_the_names_of_the_schema(self):
        conv, norm, _, _, linear = flow_of(Net()).used
        assert conv.arguments["stride"] == (2, 2)
        assert conv.arguments["groups"] == 1
        assert "bias" not in conv.weights
        assert "weight" not in conv.arguments
        assert conv.weights["weight"].path == "conv.weight"
        assert conv.weights["weight"].shape == (4, 1, 3, 3)
        assert norm.arguments["training"] is True
        assert set(norm.weights) == {"weight", "bias", "running_mean", "running_var"}
        assert norm.weights["running_mean"].role == "buffer"
        assert linear.weights["bias"].trainable
        assert (linear.path, linear.type) == ("fc", "Linear")
        assert linear.line

    def test_shapes_are_the_batch_s(self):
        flow = flow_of(Net())
        conv = flow.used[0]
        assert conv.input_shapes == ((flow.batch, 1, 8, 8),)
        assert conv.shape == (flow.batch, 4, 4, 4)

    def test_what_is_changed_in_place_is_read_changed(self):
        class InPlace(nn.Module):
            def forward(self, x):
                y = x.flatten(1) * 2
                view = y.view(-1)
                y.relu_()
                return view.exp()

        flow = flow_of(InPlace())
        assert [one.name for one in flow.upstream(flow.last)] == ["relu_", "mul"]

    def test_a_changed_input(self):
        class InPlace(nn.Module):
            def forward(self, x):
                x.mul_(2)
                return x.flatten(1).exp()

        flow = flow_of(InPlace())
        assert [one.name for one in flow.upstream(flow.last)] == ["mul_"]

    def test_a_dead_branch_is_there_and_not_used(self):
        class Dead(nn.Module):
            def forward(self, x):
                x.sigmoid()
                return x.tanh()

        flow = flow_of(Dead())
        assert [(one.name, one.used) for one in flow.operators] == [("sigmoid", False), ("tanh", True)]
        assert [one.name for one in flow.used] == ["tanh"]

    def test_several_sources_and_users(self):
        class Branches(nn.Module):
            def forward(self, x):
                y = x.tanh()
                return torch.cat([y.exp(), y.sin()], 1)

        flow = flow_of(Branches())
        tanh, exp, sin, cat = flow.used
        assert flow.users(tanh) == (exp, sin)
        assert flow.user(tanh) is None
        assert flow.sources(cat) == (exp, sin)
        assert flow.source(cat) is None

    def test_several_results_and_computed_weights(self):
        class Computed(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.ones(64))

            def forward(self, x):
                one, other = x.flatten(1).chunk(2, 1)
                return F.linear(one, self.scale[:32].exp().view(1, 32)) + other.sum(1, keepdim=True)

        chunk, linear, total, add = flow_of(Computed()).used
        assert linear.inputs == total.inputs == (chunk.index,)
        assert linear.weights["weight"].role == "computed"
        assert linear.weights["weight"].shape == (1, 32)
        assert add.inputs == (linear.index, total.index)

    def test_what_is_returned_beside_the_output(self):
        class Several(nn.Module):
            def forward(self, x):
                y = x.tanh()
                return {"scores": y.flatten(1), "features": [y.exp(), y.sin().flatten(1)], "input": x}

        flow = flow_of(Several())
        assert flow.last.name == "tanh"
        assert [flow.operators[index].name for index in flow.further] == ["exp", "sin"]
        assert [one.name for one in flow.used] == ["tanh"]

    def test_what_is_returned_too_has_more_than_one_user(self):
        class Beside(nn.Module):
            def forward(self, x):
                y = x.tanh()
                return {"logits": y.exp(), "hidden": y}

        flow = flow_of(Beside())
        tanh, exp = flow.used
        assert flow.users(tanh) == (exp,)
        assert flow.user(tanh) is None

    def test_no_input_used(self):
        class Constant(nn.Module):
            def __init__(self):
                super().__init__()
                self.bias = nn.Parameter(torch.ones(10))

            def forward(self, x):
                return self.bias.expand(x.shape[0], 10)

        flow = flow_of(Constant())
        assert flow.used == ()
        assert flow.last is None
