from __future__ import annotations

from modelcheck.facts.structs import Facts, ModeDifference
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts


class ModeDependent(Rule):
    """Evaluation computes something else than training, beyond dropout and normalisation.

    ## What it checks

    The training graph against the evaluation graph: operators that only one of them has, other arguments, weights or
    inputs, another number of outputs. Dropout of all kinds, stochastic depth and the statistics that a normalisation
    uses are left out of the comparison.

    ## Why it matters

    What was trained is not what is scored. Where that is meant (softmax, or one of several heads, in evaluation only)
    it is better done where the model is used; where it is not, weights may be scored that were never trained.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            x = self.fc(x.flatten(1))
            return x if self.training else x.softmax(1)
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Options

    ```toml
    [rules]
    mode-dependent = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A dropout or a batch norm that is written by hand is a difference, but for a product with a random mask, and so is a
    ghost batch norm. So are auxiliary heads whose scores are returned in training only (GoogLeNet, Inception), and
    noise that is added there.
    """

    code = "MC306"
    name = "mode-dependent"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name the first difference."""
        facts = known_facts(subject)
        differences = facts.mode_differences
        if not differences:
            return Decision("both modes compute the same, dropout and normalisation aside")
        first = differences[0]
        more = ", among other differences" if len(differences) > 1 else ""
        text = f"training and evaluation differ beyond dropout and normalisation: {_told(first)}{more}"
        problem = Problem(
            f"{text}. {_remedy(facts, first)}", where=first.path or None, file=first.file, line=first.line
        )
        return Decision(f"the modes differ: {_told(first)}{more}", (problem,))


def _told(one: ModeDifference) -> str:
    name = f"{one.name} in {one.path}" if one.path else one.name
    if one.kind == "only":
        return f"{name} runs only in {one.mode}"
    if one.kind == "outputs":
        return f"{name} returns another number of tensors, {one.detail}"
    if one.kind == "weights":
        return f"{name} reads other weights, {one.detail}"
    return f"{name} takes its values from elsewhere" if one.kind == "inputs" else f"{name}: {one.detail}"


def _remedy(facts: Facts, one: ModeDifference) -> str:
    if one.kind == "outputs":
        return "Only the first is trained and scored here"
    if one.kind == "only" and one.mode == "evaluation" and facts.output_kind != facts.training_output_kind:
        kinds = f"{facts.training_output_kind} in training and {facts.output_kind} in evaluation"
        return f"The output is {kinds}: return the same in both, and convert it where it is used"
    return "Compute the same in both modes"
