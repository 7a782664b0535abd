"""The same windows in other tools; each module is a program, some in an environment of its own."""
