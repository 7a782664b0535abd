"""Stripe: payment intents, refunds, and the events that tell of them."""
