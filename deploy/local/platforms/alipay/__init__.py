"""Alipay: the gateway with its queries and refunds, and notices, in key and certificate mode."""
