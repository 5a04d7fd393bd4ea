"""What formats and pages tell of a report in words."""
