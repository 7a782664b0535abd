"""Decisions: pure functions over what is known. No clock, network, database or protobuf."""
