"""The embedded stack: everything Concord needs, supervised, on one machine and one command.

`concord up` and `make run` start it (`python -m deploy.local up`). It is for developing, trying
and testing; a real installation runs the same processes against servers of its own.
"""
