"""Stream workers: what receipts mean, where time goes, which channel is quiet, what looks risky.

`app.py` builds the Faust application, `guard.py` is the loop around every agent, `agents/` says who
reacts to which topic, and `logic/` decides, without Faust, clock or network.
"""
