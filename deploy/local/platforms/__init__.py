"""Fake payment platforms: each behaves as the real one does, with keys and money of its own.

They are the other side for tests and for `make run`: they sign notices and answers, send them
again on the real schedule under a clock that may run faster than time, verify who asks, and can
be told to lose, double, delay, disorder and forge. No product code imports them, and they import
none: what they know of a provider is written down twice, so that one side can be wrong.
"""
