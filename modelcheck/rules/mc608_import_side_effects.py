from __future__ import annotations

import re
from collections.abc import Sequence

from modelcheck.origin import Effect, EffectKind
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted, listed

# the worst first, as a person would tell them
_WORST: dict[EffectKind, str] = {
    "trains": "trains",
    "downloads": "downloads",
    "installs": "installs packages",
    "reads input": "reads input",
    "writes": "writes files",
    "plots": "plots",
    "runs": "runs other statements",
    "prints": "prints",
}
_MOST_NAMED = 3
_CELL = re.compile(r"(?i)(?P<file>.*\.ipynb)(?:, cell (?P<cell>\d+))?")


class ImportSideEffects(Rule):
    """Importing the file would train, download or print; only its definitions were used.

    ## What it checks

    Of a file only what the model needs is executed. This rule tells what was left out and has effects: loops that
    train, downloads, prints, plots, files that are written, input that is waited for. One finding for each file of the
    author's from which something was needed, with the lines, at the worst of them. Of a notebook it says what was left
    out and asks for nothing: a notebook is made to be run, and has no main guard.

    ## Why it matters

    Whoever imports the class in another file trains the model again, waits for a download, or gets pages of output. And
    what was left out did not happen: weights that a training loop of the file leaves behind are not in the model.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(100):
        loss = model(torch.randn(8, 1, 28, 28)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))

    if __name__ == "__main__":
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(100):
            loss = model(torch.randn(8, 1, 28, 28)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(loss.item())
    ```

    ## Options

    ```toml
    [rules]
    import-side-effects = "error"    # advice unless the policy says so; of notebooks it is advice in any case
    ```

    ## Known limits

    What a statement does is told by its text, and `model = train(Net())` may be called anything. A module's name
    (`pkg.mod:Net`) is imported as Python does, effects and all, and nothing is told of it.
    """

    code = "MC608"
    name = "import-side-effects"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """One problem for each file of which something with effects was left out."""
        if subject.origin is None:
            known_facts(subject)
        effects = subject.origin.left_out if subject.origin else ()
        if not effects:
            return Decision("nothing with effects was left out")
        by_file: dict[str, list[Effect]] = {}
        for effect in effects:
            by_file.setdefault(_file(effect), []).append(effect)
        problems = tuple(_problem(those) for those in by_file.values())
        where = counted(len(by_file), "file")
        return Decision(f"{counted(len(effects), 'statement')} with effects left out of {where}", problems)


def _file(effect: Effect) -> str:
    notebook = _CELL.fullmatch(effect.file)
    return notebook["file"] if notebook else effect.file


def _problem(effects: Sequence[Effect]) -> Problem:
    kinds = [kind for kind in _WORST if any(effect.kind == kind for effect in effects)]
    told = [f"{_WORST[kind]} ({_places([one for one in effects if one.kind == kind])})" for kind in kinds]
    worst = next(effect for effect in effects if effect.kind == kinds[0])
    if _CELL.fullmatch(worst.file):
        message = f"Only what the model needs of this notebook was run. Left out is what {listed(told)}"
        return Problem(message, file=worst.file, line=worst.line, severity="advice")
    message = (
        f"importing this file {listed(told)}; only the definitions were used. Put what is only to run as a script "
        'under `if __name__ == "__main__":`'
    )
    return Problem(message, file=worst.file, line=worst.line)


def _places(effects: Sequence[Effect]) -> str:
    """The lines, or a notebook's cells, of which the first few are named: ``lines 12, 95 and 3 more``."""
    cells = [match["cell"] for one in effects if (match := _CELL.fullmatch(one.file)) and match["cell"]]
    noun, numbers = ("cell", cells) if cells else ("line", [str(one.line) for one in effects])
    numbers = list(dict.fromkeys(numbers))
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    more = len(numbers) - _MOST_NAMED
    named = numbers if more <= 0 else [*numbers[: _MOST_NAMED - 1], f"{more + 1:,} more"]
    return f"{noun}s {listed(named)}"
