"""Names that mean something to a terminal, a browser and a spreadsheet."""

import torch.nn as nn
import torch.nn.functional as F

NAMES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "<script>alert(1)</script>",
    "=HYPERLINK('http://example.org')",
    "@SUM(1+1)|cmd",
    "\u202egnp.exe",
    "\u2066isolated\u2069",
    "line\r\nbreak",
    "nul\x00bel\x07",
    "lone\udc80surrogate",
    "![](x)|table|",
    "]]><!--",
    "\u0085next\u2028line",
)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        for name in NAMES:
            self._modules[name] = type(name.replace("\0", "").replace("\udc80", ""), (nn.ReLU,), {})()

    def forward(self, x):
        x = self.drop(self.norm(F.relu(self.conv(x))))
        for name in NAMES:
            x = self._modules[name](x)
        return self.pool(self.last(x)).flatten(1)


Net.__name__ = Net.__qualname__ = "<img src=x onerror=alert(1)>\x1b[2J"
