from __future__ import annotations

from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted


class UnusedModule(Rule):
    """A module is declared and never called.

    ## What it checks

    Registered modules, as declared, of which no part ran in either mode and no weight is read by the graph. The topmost
    one is named.

    ## Why it matters

    It counts towards the budget and the printed summary, and does nothing; often a line in forward was forgotten.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            self.dropout = nn.Dropout(0.1)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            self.dropout = nn.Dropout(0.1)

        def forward(self, x):
            return self.fc(self.dropout(x.flatten(1)))
    ```

    ## Options

    ```toml
    [rules]
    unused-module = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A module kept for a loss or for another phase of training is reported too.
    """

    code = "MC401"
    name = "unused-module"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each unused module with the parameters that it holds."""
        unused = known_facts(subject).unused_modules
        problems = tuple(Problem(self._message(subject, path), where=path) for path in unused)
        if not unused:
            return Decision("every module is called")
        return Decision(counted(len(unused), "module is never called", "modules are never called"), problems)

    def _message(self, subject: Subject, path: str) -> str:
        below = [layer for layer in subject.layers if layer.path == path or layer.path.startswith(f"{path}.")]
        held = sum(layer.parameters for layer in below)
        cost = f", and holds {counted(held, 'parameter')}" if held else ""
        return f"{path} is declared and never called{cost}: call it in forward, or delete it"
