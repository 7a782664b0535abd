"""UnionPay 5.1.0: queries and refunds, and notices that carry the certificate they are under."""
