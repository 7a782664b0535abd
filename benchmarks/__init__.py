"""How fast Concord is, measured on whole processes; see benchmarks/README.md."""
