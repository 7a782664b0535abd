"""`python -m service serve | relay | migrate`."""

import sys
from collections.abc import Callable, Mapping
from typing import Final

from service.config import EXIT_CONFIGURATION, ConfigurationError, Settings, settings


def _serve(given: Settings) -> None:
    from service.bootstrap import serve  # noqa: PLC0415  # each role imports what it needs

    serve(given)


def _relay(given: Settings) -> None:
    from service.bootstrap import relay  # noqa: PLC0415  # each role imports what it needs

    relay(given)


def _migrate(given: Settings) -> None:
    from service.postgres.migrating import migrate  # noqa: PLC0415  # as above

    migrate(given.database_url)


ROLES: Final[Mapping[str, Callable[[Settings], None]]] = {
    "serve": _serve,
    "relay": _relay,
    "migrate": _migrate,
}


def main(arguments: list[str]) -> int:
    """Run a role until it ends; return the exit code."""
    role = arguments[0] if len(arguments) == 1 else ""
    if role not in ROLES:
        sys.stderr.write(f"usage: python -m service {' | '.join(ROLES)}\n")
        return EXIT_CONFIGURATION
    try:
        given = settings(role)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\nSet the variables above and start again.\n")
        return EXIT_CONFIGURATION
    ROLES[role](given)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
