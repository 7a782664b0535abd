"""Fake sales channels: each sells and answers as the real platform does, on its own protocol.

They are the other side for tests and for `make run`: shops with orders that change, behind each
platform's signatures, paging, units and zones, with what goes wrong there: throttling, silence,
failures in HTTP 200, tokens out of date, clocks that are off, pages that change while they are
read. No product code imports them, and they import none: what they know of a platform is written
down twice, so that one side can be wrong.
"""
