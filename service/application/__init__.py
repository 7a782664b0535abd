"""Use cases: what the service does, over ports that adapters fill."""
