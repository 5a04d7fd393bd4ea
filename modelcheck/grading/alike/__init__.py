"""Finds submissions that are alike: the same graph up to names and order, the same weights, nearly the same source.

Each submission is reduced to a small fingerprint once (``fingerprints``), and the fingerprints of a course are compared
through an index, not pair by pair (``clusters``). What is alike is told and how many are; why it is, nobody can tell
from that. The author's code is read as text and never run.
"""
