from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class LoadError(FailureRule):
    """The target cannot be loaded, because its code raises or because what it names is no model.

    ## What it checks

    Of a file, a notebook, a folder or an archive the statements are run that the model needs; a module's name is
    imported. An exception from them, a package that is needed and not installed, a syntax error in the definition, a
    name that is not an `nn.Module`, or a damaged capture file ends here, with the author's file and line.

    ## Why it matters

    Nothing else can be known of a model that cannot be loaded.

    ## Bad

    ```python
    from a_package_that_nobody_has import Base

    class Net(Base):
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

    A module that is given by its name (`pkg.mod:Net`) is imported whole: if that trains, it trains.
    """

    code = "MC001"
    name = "load-error"
    evidence = "loaded"
    failed = "could not be loaded"
