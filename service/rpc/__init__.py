"""The gRPC edge: reads requests, asks the use cases, writes answers."""
