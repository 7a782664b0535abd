"""Traffic: orders made up to a known table, and event logs that really happened."""
