from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class MemoryLimit(FailureRule):
    """The model wanted more memory than it may have.

    ## What it checks

    With `--isolated`, loading, building and capturing run in a process of their own, which may have 8,192 MiB of memory
    besides torch's own, with all processes that it starts. On Linux the address space is limited to as much, so that
    the line that asked for too much is known. A capture of more than 2,048 MiB ends here too.

    ## Why it matters

    A model that fills the memory takes the machine from everybody else on it.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.zeros(784, 10_000_000_000))

        def forward(self, x):
            return x.flatten(1) @ self.table[:, :10]
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.zeros(784, 10))

        def forward(self, x):
            return x.flatten(1) @ self.table
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    Without `--isolated` nothing is limited, and memory that cannot be had is MC001 to MC004. Pages that several
    processes share count in each of them. On macOS memory is not limited.
    """

    code = "MC602"
    name = "memory-limit"
    evidence = "was not stopped for its memory"
    failed = "wanted too much memory"
