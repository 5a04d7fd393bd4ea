"""The reference network: the passing example that every other model is compared with."""

from reference_model.net import Net

__all__ = ["Net"]
