"""The modules of one kind, as declared, and which of them were called."""

from __future__ import annotations

from collections.abc import Container

from torch import nn

from modelcheck.capturing.tree import declared_kind, is_script, own_attributes, walk, wire_text
from modelcheck.facts.walked import Called, CalledDropout, CalledLinear
from modelcheck.graph.wire import ModuleKind
from modelcheck.walking.calls import type_name

# by what a script says its modules were made from
_SCRIPTED: dict[str, ModuleKind] = {
    **{f"BatchNorm{dims}d": "batch-norm" for dims in (1, 2, 3)},
    **{f"Dropout{dims}": "dropout" for dims in ("", "1d", "2d", "3d")},
    "Linear": "linear",
}


class Declared:
    """The modules of a model by kind; which of those in scripts were called is not known.

    Args:
        model: the model that ran.
        called: ids of the modules that ran.
    """

    def __init__(self, model: nn.Module, called: Container[int]) -> None:
        self._modules, self._called = list(walk(model)), called

    def batch_norm(self) -> Called:
        """Batch norms."""
        return self._use("batch-norm")

    def dropout(self) -> CalledDropout:
        """Dropouts, with the rates of those that were called."""
        use = self._use("dropout")
        rates = {own_attributes(module).get("p") for path, module in self._modules if wire_text(path) in use.where}
        numbers = sorted(float(rate) for rate in rates if isinstance(rate, int | float))
        return CalledDropout(declared=use.declared, called=use.called, where=use.where, rates=tuple(numbers))

    def global_average_pooling(self) -> Called:
        """Pools to one pixel."""
        return self._use("global-average-pool")

    def fully_connected(self) -> CalledLinear:
        """Linear modules."""
        use = self._use("linear")
        return CalledLinear(declared=use.declared, called=use.called, where=use.where)

    def _use(self, kind: ModuleKind) -> Called:
        found = [(path, module) for path, module in self._modules if _kind(module) == kind]
        where = tuple(wire_text(path) for path, module in found if not is_script(module) and id(module) in self._called)
        known = not any(is_script(module) for _, module in found)
        return Called(declared=len(found), called=len(where) if known else None, where=where)


def _kind(module: nn.Module) -> ModuleKind:
    return _SCRIPTED.get(type_name(module), "other") if is_script(module) else declared_kind(module)
