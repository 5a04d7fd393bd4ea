"""Marks a course: finds the submissions, captures each in a sandbox, judges and scores the captures, keeps a gradebook.

The author's code runs only in ``sandbox``, without data or labels. What comes back is a capture, and everything else
works on that.
"""
