"""Stands where another module is looked for."""

raise RuntimeError("a submission's usercustomize was imported")
