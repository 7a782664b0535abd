"""Hears what platforms tell over lines that we open: Pinduoduo's sockets, Amazon's queues.

A message is acknowledged when its receipt is durable, and not before: whatever happens to us, the
platform tells it again. What comes twice is known by its number, and counted.
"""
