"""The publishing edge: the contract's bytes and topics, and the relay that sends them."""
