"""Wires the service, a part for each concern: what it serves, and what it does by the clock.

A part is a function from `Ground` to `Part` in a module of its own, and a line in `parts.PARTS`.
Parts know adapters; what they have in common is only what the ground gives.
"""
