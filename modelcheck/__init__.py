"""Checks PyTorch models against a policy by the graph that runs, and trains and grades them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcheck.api import candidates, capture, evaluate, grade, inspect, train_eval
    from modelcheck.errors import AuthorError, ModelcheckError, UsageError
    from modelcheck.policy import Policy, load_policy
    from modelcheck.progress import TrainingProgress
    from modelcheck.report import Report
    from modelcheck.training.observer import Observer

__version__ = "0.1.0"

__all__ = [
    "AuthorError",
    "ModelcheckError",
    "Observer",
    "Policy",
    "Report",
    "TrainingProgress",
    "UsageError",
    "__version__",
    "candidates",
    "capture",
    "evaluate",
    "grade",
    "inspect",
    "load_policy",
    "train_eval",
]

_HOMES = {
    "AuthorError": "errors",
    "ModelcheckError": "errors",
    "UsageError": "errors",
    "Observer": "training.observer",
    "Policy": "policy",
    "load_policy": "policy",
    "Report": "report",
    "TrainingProgress": "progress",
    "candidates": "api",
    "capture": "api",
    "evaluate": "api",
    "grade": "api",
    "inspect": "api",
    "train_eval": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``modelcheck --help`` waits for none of them."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'modelcheck' has no attribute {name!r}")
    return getattr(importlib.import_module(f"modelcheck.{_HOMES[name]}"), name)
