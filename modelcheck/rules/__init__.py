"""The rules, one a file, found by the file's name: ``mc101_parameter_budget.py`` holds MC101, parameter-budget."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from modelcheck.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """One instance of every rule, by code."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("mc"))
    return tuple(_rule_in(name) for name in names)


def find_rule(key: str) -> Rule | None:
    """The rule of that code or name, in any case; None where there is none."""
    wanted = key.lower()
    return next((rule for rule in all_rules() if wanted in (rule.code.lower(), rule.name)), None)


def _rule_in(name: str) -> Rule:
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    ]
    (rule,) = found
    return rule()
