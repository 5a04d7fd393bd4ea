import os

import torch.nn as nn


class Net(nn.Module):
    while True:
        os.write(2, b"\x1b[31m" + b"x" * 2**20)
