import ctypes

import torch.nn as nn


class Net(nn.Module):
    def forward(self, x):
        return ctypes.string_at(0)
