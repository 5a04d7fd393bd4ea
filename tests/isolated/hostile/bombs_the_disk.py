from pathlib import Path

import torch.nn as nn


class Net(nn.Module):
    with Path("big").open("wb") as file:
        for _ in range(1024):
            file.write(bytes(2**20))
