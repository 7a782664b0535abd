"""Files of orders: what came in which, and what of it could not be read."""
