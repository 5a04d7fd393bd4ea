from __future__ import annotations

from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject, known_facts


class OutputShape(Rule):
    """The output is not one score for each class.

    ## What it checks

    The evaluation graph's output for N samples must have the shape (N, classes).

    ## Why it matters

    A loss may broadcast a wrong shape without a word, and `argmax(1)` finds a class in any of them.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Linear(784, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            return self.features(x.flatten(1)).relu()
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Linear(784, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            return self.head(self.features(x.flatten(1)).relu())
    ```

    ## Options

    ```toml
    [model]
    input = [1, 28, 28]
    classes = 10    # switches this rule on
    [rules]
    output-shape = "error"
    ```

    ## Known limits

    Of a model with several outputs the first is looked at.
    """

    code = "MC302"
    name = "output-shape"
    kind = "error"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the output's shape with (N, classes)."""
        facts = known_facts(subject)
        if subject.classes is None:
            raise NotRun("the policy does not say how many classes there are ([model] classes)")
        evidence = f"gives (N{''.join(f', {size}' for size in facts.output_shape)})"
        if facts.output_shape == (subject.classes,) and 2 in facts.accepted_batches:
            return Decision(evidence)
        rows = "" if 2 in facts.accepted_batches else ", with another number of rows than samples"
        return Decision(evidence, (Problem(f"{evidence}{rows}; (N, {subject.classes}) is expected"),))
