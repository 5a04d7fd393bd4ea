from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class LoadError(FailureRule):
    """The target cannot be loaded, because its code raises or because what it names is no model.

    ## What it checks

    The target's module is imported (a script is run as a module) and the name after the colon is looked up. An
    exception from that code, a missing package, a name that is not an `nn.Module`, or a damaged capture file ends here,
    with the author's file and line.

    ## Why it matters

    Nothing else can be known of a model that cannot be loaded.

    ## Bad

    ```python
    import torch.nn as nn
    import a_package_that_nobody_has

    class Net(nn.Module):
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

    The whole file is run, so a script that trains when it is imported trains.
    """

    code = "MC001"
    name = "load-error"
    evidence = "loaded"
    failed = "could not be loaded"
