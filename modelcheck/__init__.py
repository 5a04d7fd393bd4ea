"""Checks PyTorch models against a policy by the graph that runs, and trains and grades them."""

__version__ = "0.1.0"
