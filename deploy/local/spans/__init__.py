"""Keeps the spans of the embedded stack, and finds them by order.

Stands in for a collector: takes OTLP over gRPC, stores in SQLite, answers `ListSpans` on the same
port. A real deployment sets `OTEL_EXPORTER_OTLP_ENDPOINT` to its own collector instead.
"""
