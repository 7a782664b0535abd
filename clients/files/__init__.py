"""Files of orders: read by the names of their columns, told as receipts, each row right or kept.

A file is read whole before anything of it is sent: its rows go into a spool on disk, so that orders
whose rows lie apart come together, and so that whoever is killed goes on where it was. Processes
that read files hold no more of one in memory than a few hundred rows.
"""
