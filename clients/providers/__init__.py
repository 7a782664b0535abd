"""Payment providers as they really behave: accounts, callbacks, and the signing of queries.

Reads files of keys, and nothing else: no network, no clock of its own, no state. What verifies a
callback never calls the provider, and refuses with a `RefusedError` whatever it cannot prove.
"""
