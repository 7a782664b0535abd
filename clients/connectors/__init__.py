"""Connectors: ask payment providers and sales channels for what they did not tell.

A worker claims probes that are due, asks the provider through its query API, submits the answer
as a receipt like any other, and only then reports. It decides nothing about an order: an answer
moves something only if the receipt's evidence does. `worker.py` has the loop, `inquiry.py` the
words, and each provider a module of its name. Shops' orders are pulled by `pulling/`, from the
platforms in `channels/`.
"""
