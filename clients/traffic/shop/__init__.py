"""A shop of the embedded stack: its orders are paid at the fake payment platforms, for ever."""
