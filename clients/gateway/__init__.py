"""Takes callbacks of payment platforms: proves them, makes them durable, answers as each wants.

    POST /callbacks/{provider}/{account}

A call is believed when the protocol of its provider says so (`clients.providers`), and answered
well only when the service has said that its receipt is durable. Nothing is kept here: whatever
fails is answered so that the platform comes again. docs/gateway.md has the tables.
"""
