"""From a live nn.Module to a Capture: the only place besides loading where the author's code runs."""
