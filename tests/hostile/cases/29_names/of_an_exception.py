"""A message that clears the terminal."""

import torch.nn as nn

TEXT = "\x1b[2J\x1b]52;c;ZWNobw==\x07<script>alert(1)</script>\r\n=1+1\u202e\x00\udc80"


class Net(nn.Module):
    def __init__(self):
        print(TEXT.replace("\udc80", ""))
        raise type("Odd\x1b[31m", (Exception,), {})(TEXT)
