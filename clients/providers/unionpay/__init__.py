"""UnionPay 5.1.0: notices, and the signing of its gateway's questions and answers."""
