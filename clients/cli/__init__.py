"""The command line: `concord …`. Knows the SDK, and neither gRPC nor any server."""
