"""How Concord is installed, run and operated; nothing here is imported by what it runs."""
