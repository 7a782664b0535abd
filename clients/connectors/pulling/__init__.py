"""Pulling: ask sales channels for what was sold, window by window, and lose nothing on the way.

The service plans: it hands out runs, each a feed and a window in UTC. A puller asks the platform
page by page, submits what comes as receipts, and reports the run only after they are durable.
Nothing here decides what an order means, or up to when a feed is complete. `platform.py` is what
each platform implements, `puller.py` one run, `desk.py` the loop.
"""
