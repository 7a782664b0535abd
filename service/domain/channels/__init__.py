"""Feeds: what is asked of channels and when, what came, and whether it is all."""
