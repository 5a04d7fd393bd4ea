from __future__ import annotations

import math

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.rules.windows import is_wide
from modelcheck.words import counted, listed

_LEAST = 3  # with two, as in LeNet, the map is mostly small enough by then
_BETWEEN = ("activation", "batch-norm", "normalisation", "dropout", "elementwise")
_POOLS = ("max-pool", "average-pool", "mean")


class PoolingEveryConvolution(Rule):
    """Every convolution is followed by a pool, so that each size of the map has but one of them.

    ## What it checks

    Convolutions in the training graph with windows of more than one pixel: whether the first weighted or pooling
    operator after each is a pool that makes the map smaller. It is reported where all are and there are at least three;
    LeNet has two. Pooling the whole map away after the last one is no such pool.

    ## Why it matters

    One convolution at each size finds no combinations of what it found there, and the next one works on a quarter of
    the pixels. Two or three between pools see as far, with more nonlinearities and mostly fewer parameters.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            )
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            return self.fc(self.body(x).mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            )
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            return self.fc(self.body(x).mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    pooling-every-convolution = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Strides are not pools: a network that halves its map in each convolution is not reported. A 1×1 convolution between
    a convolution and its pool counts as depth. Large pictures that must become small quickly are a reason to do it all
    the same.
    """

    code = "MC412"
    name = "pooling-every-convolution"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Look what follows each convolution."""
        flow = known_flows(subject).train
        convolutions = [one for one in flow.of_kind("convolution") if is_wide(one)]
        pools = [_pool_after(flow, one) for one in convolutions]
        if pools and pools[-1] is not None and _is_global(pools[-1]):
            del convolutions[-1], pools[-1]
        pooled = [one for one, pool in zip(convolutions, pools, strict=True) if pool is not None]
        evidence = f"{len(pooled)} of {counted(len(convolutions), 'convolution')} directly followed by a pool"
        if len(pooled) < len(convolutions) or len(pooled) < _LEAST:
            return Decision(evidence)
        return Decision(evidence, (problem_at(convolutions[0], _message(flow, convolutions)),))


def _pool_after(flow: Flow, convolution: Operator) -> Operator | None:
    """The pool that alone takes what a convolution gives, and makes it smaller; None where something else does."""
    user = flow.user(convolution)
    while user is not None and user.kind in _BETWEEN and len(user.inputs) == 1:
        user = flow.user(user)
    return user if user is not None and user.kind in _POOLS and user.shape != user.input_shapes[0] else None


def _is_global(pool: Operator) -> bool:
    return math.prod((pool.shape or ())[2:]) == 1  # and of a mean that leaves no map


def _message(flow: Flow, convolutions: list[Operator]) -> str:
    names = dict.fromkeys(named(flow, one) for one in convolutions)
    return (
        f"each of the {len(convolutions)} convolutions ({listed([*names])}) is followed by a pool at once, so that "
        f"every size of the map has only one: put two or three between pools"
    )
