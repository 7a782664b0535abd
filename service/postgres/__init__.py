"""The storage edge: rows in, domain values out. SQLAlchemy never leaves this folder."""
