"""Makes the generated pages, one module each; `docs/generate.py` writes them."""
