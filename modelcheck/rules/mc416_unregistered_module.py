from __future__ import annotations

from collections.abc import Sequence

from modelcheck.facts.structs import Unregistered
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted, listed

_MOST_NAMED = 4
# what the attribute is, and what to make of it
_HOLDERS = {
    "list": ("is a plain list with {count}", "Make it an nn.ModuleList"),
    "tuple": ("is a plain tuple with {count}", "Make it an nn.ModuleList"),
    "set": ("is a plain set with {count}", "Make it an nn.ModuleList"),
    "dict": ("is a plain dict with {count}", "Make it an nn.ModuleDict"),
    "object": ("is an object, and no module, with {count}", "Make {them} {attributes} of the module itself"),
    "attribute": (
        "was set past nn.Module's __setattr__, so nothing registers it",
        "Assign it like any other attribute",
    ),
}


class UnregisteredModule(Rule):
    """Modules are kept in a plain list, tuple, dict, set or object, where torch does not see them.

    ## What it checks

    The attributes of every registered module, as declared, and what lies in them: lists, tuples, dicts, sets and plain
    objects, nested ones too. A module that is found there and that no module registers is named with its type and the
    number of its parameters, one finding for each attribute. A registered module that is also kept in a list is none.

    ## Why it matters

    `parameters()` does not list what it does not see, so that the optimiser never trains those weights; `state_dict()`
    does not save them and `to()` leaves them on their device. `train()` and `eval()` pass such modules by as well: a
    dropout in a plain list drops in evaluation too, and a batch norm goes on using its batch.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 32)
            self.layers = [nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10)]

        def forward(self, x):
            x = self.fc(x.flatten(1))
            for layer in self.layers:
                x = layer(x)
            return x
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 32)
            self.layers = nn.ModuleList([nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10)])

        def forward(self, x):
            x = self.fc(x.flatten(1))
            for layer in self.layers:
                x = layer(x)
            return x
    ```

    ## Options

    ```toml
    [rules]
    unregistered-module = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A teacher or a moving average that is kept out of `parameters()` on purpose is reported too. Modules in globals,
    closures, class attributes and objects with `__slots__` are not looked for; their weights are hidden weights (MC102)
    all the same. The search ends six containers deep and after 20,000 values.
    """

    code = "MC416"
    name = "unregistered-module"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name the modules that each attribute holds, with their parameters."""
        found = known_facts(subject).unregistered_modules
        if not found:
            return Decision("every module is registered")
        by_attribute: dict[str, list[Unregistered]] = {}
        for one in found:
            by_attribute.setdefault(one.attribute, []).append(one)
        problems = tuple(
            Problem(_message(attribute, modules), where=attribute) for attribute, modules in by_attribute.items()
        )
        return Decision(counted(len(found), "module is registered nowhere", "modules are registered nowhere"), problems)


def _message(attribute: str, modules: Sequence[Unregistered]) -> str:
    holder, remedy = _HOLDERS[modules[0].holder]
    words = {
        "count": counted(len(modules), "module that is registered nowhere", "modules that are registered nowhere"),
        "them": "it" if len(modules) == 1 else "them",
        "attributes": "an attribute" if len(modules) == 1 else "attributes",
    }
    held = sum(one.parameters for one in modules)
    trained = f"No optimiser trains the {counted(held, 'parameter')}, and state_dict() saves none. " if held else ""
    return (
        f"{attribute} {holder.format(**words)}: {_names(modules)}. {trained}train(), eval() and to() do not reach "
        f"{words['them']}: a dropout or a batch norm stays in training mode. {remedy.format(**words)}"
    )


def _names(modules: Sequence[Unregistered]) -> str:
    named = [_name(one) for one in modules[:_MOST_NAMED]]
    more = len(modules) - len(named)
    return listed([*named, f"{more:,} more"] if more else named)


def _name(module: Unregistered) -> str:
    held = f", {counted(module.parameters, 'parameter')}" if module.parameters else ""
    return f"{module.path} ({module.type}{held})"
