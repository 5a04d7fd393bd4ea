from __future__ import annotations

from modelcheck.rules.base import Decision, Problem, RangeOptions, Rule, Subject, asked, known_facts, within
from modelcheck.words import counted

SHOWN = 3
_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


class SizeBudget(Rule):
    """The weights take more or fewer bytes than allowed.

    ## What it checks

    The bytes of the registered parameters as they are stored, plus those of hidden weights (MC102): 4 for a float32, 2
    for a bfloat16, 1 for an int8. Weights that are used in several places count once. The running statistics of batch
    norms do not count, nor what a formula of position gives.

    ## Why it matters

    The number of parameters says nothing of their size: several small numbers can be packed into one, and float64 takes
    twice the memory of float32. What has to fit on a device is bytes.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 100)
            self.fc2 = nn.Linear(100, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 20)
            self.fc2 = nn.Linear(20, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Options

    ```toml
    [rules]
    size-budget = { max = 131_072 }    # bytes, here 128 KiB; and, or, min
    ```

    ## Known limits

    A file of these weights also holds names, shapes and running statistics. Numbers written into the code are not
    counted.
    """

    code = "MC105"
    name = "size-budget"
    kind = "error"
    options = RangeOptions
    needs_options = True

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare the bytes with the range."""
        parameters = known_facts(subject).parameters
        evidence = f"{counted(parameters.bytes, 'byte')} of weights{_in_units(parameters.bytes)}, {asked(options)}"
        if within(parameters.bytes, options):
            return Decision(evidence)
        largest = sorted(subject.layers, key=lambda layer: -layer.parameters)[:SHOWN]
        named = [f"{layer.path or layer.type} {layer.parameters:,}" for layer in largest if layer.parameters]
        if parameters.hidden:
            named.append(f"hidden weights {parameters.hidden:,}")
        return Decision(evidence, (Problem(f"{evidence}. Most parameters: {', '.join(named) or 'none'}"),))


def _in_units(size: int) -> str:
    """The size in the largest unit that it fills, in brackets; nothing below the first."""
    unit = next(((name, scale) for name, scale in _UNITS if size >= scale), None)
    return f" ({size / unit[1]:.4g} {unit[0]})" if unit else ""
