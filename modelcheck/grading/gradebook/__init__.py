"""What grading has done so far, in ``gradebook.db``: every finished step is there at once, and outlives any crash.

Three tables follow each other: captures (with what submissions are compared by), trainings and grades, each row under
the hash of all that it hangs on (``modelcheck.grading.keys``). What was measured by the clock lies in columns called
``seconds`` and nowhere else: two gradings of the same submissions are equal in all other columns.
"""

from modelcheck.grading.gradebook.book import Gradebook, Keys
from modelcheck.grading.gradebook.captures import CaptureFailure, CaptureFile, CaptureRecord, Weights, capture_file_is

__all__ = ["CaptureFailure", "CaptureFile", "CaptureRecord", "Gradebook", "Keys", "Weights", "capture_file_is"]
