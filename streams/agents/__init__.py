"""The agents: which topic is read, by which engine, and where its answers go.

Each module's `attach` declares its agents to the app; the guard owns the loop around them.
"""
