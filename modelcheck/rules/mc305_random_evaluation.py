from __future__ import annotations

from modelcheck.facts.structs import Facts, RandomOperator
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted


class RandomEvaluation(Rule):
    """The model's output is random in evaluation.

    ## What it checks

    The operators of the evaluation graph that draw random numbers, and whether other numbers give another output.
    Dropout that is off draws none; noise whose result is not used, or is multiplied by zero, does not matter.

    ## Why it matters

    Two predictions for one picture differ, and with them the accuracy. Most often it is `F.dropout(x)`, which drops in
    evaluation too unless it is told `training=self.training`, or an `nn.Dropout` in a plain list, where `eval()` does
    not reach it.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(F.dropout(x.flatten(1), 0.1))
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(F.dropout(x.flatten(1), 0.1, training=self.training))
    ```

    ## Options

    ```toml
    [rules]
    random-evaluation = "error"
    ```

    ## Known limits

    Where the model has no weights here, or is too large to be tried, it counts whether the random numbers can reach the
    output. What happens to fewer than one sample in twenty may be missed. Random numbers from numpy or Python are
    refused when the model is captured (MC004).
    """

    code = "MC305"
    name = "random-evaluation"
    kind = "error"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name what draws, each line once."""
        facts = known_facts(subject)
        random = facts.random_evaluation
        if not random:
            return Decision("two evaluations give the same")
        places: dict[object, RandomOperator] = {}
        for one in random:
            places.setdefault((one.path, one.name, one.file, one.line), one)
        evidence = counted(len(random), "random operator changes", "random operators change")
        problems = tuple(_problem(facts, one) for one in places.values())
        return Decision(f"{evidence} the output in evaluation", problems)


def _problem(facts: Facts, one: RandomOperator) -> Problem:
    return Problem(_message(facts, one), where=one.path or None, file=one.file, line=one.line)


def _message(facts: Facts, one: RandomOperator) -> str:
    place = f" in {one.path}" if one.path else ""
    lost = next((stray for stray in facts.unregistered_modules if "Dropout" in stray.type), None)
    if "dropout" not in one.name and one.name != "scaled_dot_product_attention":
        return f"{one.name.rstrip('_')}{place} draws random numbers in evaluation: do it only if self.training"
    if "Dropout" in one.type:
        return f"{one.path} drops in evaluation too: something sets its training to True again, or eval() passes it by"
    if one.name == "scaled_dot_product_attention":
        remedy = "dropout_p=p if self.training else 0.0"
        return f"the dropout of {one.name}{place} is always on: pass {remedy}"
    if lost is not None:
        return (
            f"dropout{place} is on in evaluation: {lost.path} is registered nowhere, so that eval() does not reach it. "
            f"Keep it in an nn.ModuleList; F.dropout(x) needs training=self.training"
        )
    return f"F.{one.name.rstrip('_')}(x){place} is always on: pass training=self.training"
