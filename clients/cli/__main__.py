"""`concord`, and `python -m clients.cli`."""

from __future__ import annotations

from clients.cli.main import app


def main() -> None:
    """Run the command line; typer ends the process with the exit code."""
    app(prog_name="concord")


if __name__ == "__main__":
    main()
