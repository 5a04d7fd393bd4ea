"""The rules, one a file, found by the file's name: ``mc101_parameter_budget.py`` holds MC101, parameter-budget."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from modelcheck.names import unknown_name
from modelcheck.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """One instance of every rule, by code."""
    return tuple(map(_rule_in, _modules()))


def find_rule(key: str) -> Rule | None:
    """The rule of that code or name, in any case; None where there is none. No other one is imported."""
    wanted = key.lower()
    parts = ((module, module.partition("_")) for module in _modules())
    found = (module for module, (code, _, name) in parts if wanted in (code, name.replace("_", "-")))
    return next(map(_rule_in, found), None)


def unknown_rule(key: str) -> str:
    """One line that says that no rule has this code or name, which one was meant, and what lists them all."""
    known = [text for rule in all_rules() for text in (rule.code, rule.name)]
    return unknown_name("rule", key, known, listed_by="modelcheck rule")


def _modules() -> tuple[str, ...]:
    return tuple(sorted(one.name for one in pkgutil.iter_modules(__path__) if one.name.startswith("mc")))


@cache
def _rule_in(name: str) -> Rule:
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    ]
    (rule,) = found
    return rule()
