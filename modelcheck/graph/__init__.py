"""The captured graph: its form on the wire, what may stand in it, and the module that runs it."""
