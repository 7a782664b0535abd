"""Decisions of the stream workers: pure functions over records and rows."""
