"""Checks PyTorch models against a policy by the graph that runs, and trains and grades them."""

from modelcheck.api import capture, evaluate, inspect, train_eval
from modelcheck.errors import AuthorError, ModelcheckError, UsageError
from modelcheck.policy import Policy
from modelcheck.report import Report

__version__ = "0.1.0"

__all__ = [
    "AuthorError",
    "ModelcheckError",
    "Policy",
    "Report",
    "UsageError",
    "__version__",
    "capture",
    "evaluate",
    "inspect",
    "train_eval",
]
