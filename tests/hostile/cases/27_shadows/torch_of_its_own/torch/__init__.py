"""A torch in which everything is small."""

from . import nn


class Tensor:
    def numel(self):
        return 1
