"""Executes of a script or a notebook only what is asked of it: no statement runs before something needs its name.

A source is cut into its top-level statements by a scan of the text. A module made of it runs a statement when a name
that it defines is looked up, in the module itself or in a function of it, and nothing else: training loops, downloads
and prints are never reached. Siblings that are imported are modules of the same kind.
"""
