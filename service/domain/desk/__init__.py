"""The exception desk: what kinds of cases there are, and how each is handled, as values."""
