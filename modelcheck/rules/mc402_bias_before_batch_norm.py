from __future__ import annotations

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.words import counted, listed


class BiasBeforeBatchNorm(Rule):
    """A layer has a bias that the batch norm after it removes.

    ## What it checks

    Convolutions and linear layers in the training graph whose result goes nowhere but into a batch norm that uses the
    batch's statistics, or into an instance norm, channel by channel. Views and pooling may stand between: a pooled map
    is shifted by the bias as the map is. A layer that is called several times has such a norm after each call.

    ## Why it matters

    The norm subtracts the mean of each channel, and with it whatever was added to the channel. The bias gets no
    gradient but rounding, and counts towards the budget; the norm's own bias does its work.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.bn1 = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.bn1(self.fc1(x.flatten(1))).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.bn1 = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.bn1(self.fc1(x.flatten(1))).relu())
    ```

    ## Options

    ```toml
    [rules]
    bias-before-batch-norm = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A bias that is frozen or computed is not reported, nor one that is added by hand. Dropout, activations and additions
    between the two change what is removed, so that nothing is said there; nor of layer norm and group norm, which
    remove a bias only in part. VGG with batch norm has such biases as published.
    """

    code = "MC402"
    name = "bias-before-batch-norm"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each bias with the norms after it."""
        flow = known_flows(subject).train
        problems = []
        for readers in _readers(flow):
            norms = [norm for layer in readers if (norm := _norm_after(flow, layer))]
            if len(norms) == len(readers):
                problems.append(problem_at(readers[0], _message(flow, readers[0], norms)))
        if not problems:
            return Decision("no bias is removed by a norm")
        evidence = counted(len(problems), "bias is removed by a norm", "biases are removed by a norm")
        return Decision(evidence, tuple(problems))


def _readers(flow: Flow) -> list[list[Operator]]:
    """For each trained bias of a layer, the operators that read it, in whatever role."""
    readers: dict[int, list[Operator]] = {}
    for one in flow.used:
        for weight in one.weights.values():
            if weight.role == "parameter" and weight.trainable and weight.tensor is not None:
                readers.setdefault(weight.tensor, []).append(one)
    return [found for tensor, found in readers.items() if all(_adds(one, tensor) for one in found)]


def _adds(operator: Operator, tensor: int) -> bool:
    """Whether the tensor is the operator's bias."""
    bias = operator.weights.get("bias")
    return operator.kind in ("convolution", "linear") and bias is not None and bias.tensor == tensor


def _norm_after(flow: Flow, layer: Operator) -> Operator | None:
    """The norm that takes nothing but the layer's result, and alone takes it; None where there is none."""
    made, user = layer.shape, flow.user(layer)
    while user is not None and layer.kind == "convolution" and user.input_shapes == (made,) and _shifts(user):
        made, user = user.shape, flow.user(user)
    if made is None or user is None or len(user.inputs) != 1 or not _centres(user):
        return None
    channels, taken = layer.weights["bias"].shape[0], user.input_shapes[0]
    in_place = made == taken and (layer.kind == "convolution" or len(made) == 2)
    unmistaken = made.count(channels) == 1  # whatever view stands between, that dimension is the layer's
    return user if taken[1] == channels and (in_place or unmistaken) else None


def _shifts(operator: Operator) -> bool:
    """Whether adding a number to a channel of the input adds the same to the channel of the result."""
    if operator.kind == "max-pool":
        return True
    arguments = operator.arguments
    padding = arguments.get("padding")
    padded = isinstance(padding, list | tuple) and any(padding) and arguments.get("count_include_pad") is True
    return operator.kind == "average-pool" and not padded and arguments.get("divisor_override") is None


def _centres(operator: Operator) -> bool:
    """Whether it takes off the mean of each channel, in training mode."""
    if operator.kind == "batch-norm":
        return operator.arguments.get("training") is True
    return operator.name == "instance_norm" and operator.arguments.get("use_input_stats") is True


def _message(flow: Flow, layer: Operator, norms: list[Operator]) -> str:
    names = list(dict.fromkeys(named(flow, norm) for norm in norms))
    held = counted(layer.weights["bias"].shape[0], "parameter")
    verb = "removes" if len(names) == 1 else "remove"
    return f"{named(flow, layer)} has a bias that {listed(names)} {verb} ({held}): pass bias=False"
