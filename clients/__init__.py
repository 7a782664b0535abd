"""Everything that talks to the service from outside: SDK, CLI, traffic."""
