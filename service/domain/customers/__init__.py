"""Customers: who is the same person at several channels, and on what evidence."""
