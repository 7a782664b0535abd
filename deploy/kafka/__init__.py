"""Apache Kafka as it is shipped, for tests, benchmarks and trying out: one broker, or three.

`python -m deploy.kafka` starts it. The embedded stack takes it in place of its own broker where
CONCORD_EMBEDDED_BROKER is `apache`.
"""
