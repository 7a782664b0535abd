"""A shop of the embedded stack: it sells, for ever, and is paid at the fake payment platforms."""
