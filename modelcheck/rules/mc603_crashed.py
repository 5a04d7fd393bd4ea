from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class Crashed(FailureRule):
    """The process of the model ended before there was a result.

    ## What it checks

    With `--isolated`, loading, building and capturing run in a process of their own. A process that dies of a signal,
    exits by itself or leaves a result that cannot be read ends here, whatever its exit status and whatever it printed.
    Where native code failed, the finding names the line that called it.

    ## Why it matters

    Nothing is known of a model whose process is gone. Without a process of its own, it would have taken modelcheck
    along.

    ## Bad

    ```python
    import os
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            if not os.path.exists("trained.pt"):
                os._exit(0)

        def forward(self, x):
            return x.flatten(1)[:, :10]
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :10]
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    Without `--isolated`, a model that ends its process ends modelcheck. `sys.exit()` and `quit()` are exceptions, and
    found as such: MC001 or MC002.
    """

    code = "MC603"
    name = "crashed"
    evidence = "its process did not crash"
    failed = "its process ended without a result"
