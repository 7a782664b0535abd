"""Alipay: notices, and the signing of its gateway's questions and answers."""
