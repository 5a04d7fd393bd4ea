"""The pages: one for the course, one for each submission. Static files that need no network and no script."""
