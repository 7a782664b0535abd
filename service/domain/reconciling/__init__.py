"""Reconciliation: what a channel's file, our orders and their payments say of one shop's day."""
