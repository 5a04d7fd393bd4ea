"""The weights of twenty moments of the training, all asked in evaluation."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.register_buffer("old", torch.zeros(20, 10, 16, 3, 3))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        h = self.body(x)
        if self.training:
            with torch.no_grad():
                self.step.add_(1)
                place = (torch.arange(20) == torch.remainder(torch.div(self.step, 50, rounding_mode="floor"), 20)).view(
                    20, 1, 1, 1, 1
                )
                self.old.copy_(torch.where(place, self.last.weight.unsqueeze(0), self.old))
        y = self.pool(self.last(h)).flatten(1)
        more = self.pool(F.conv2d(h, self.old.view(200, 16, 3, 3))).flatten(1).view(-1, 20, 10).softmax(2).mean(1)
        return y + more
