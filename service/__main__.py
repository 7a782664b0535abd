"""`python -m service serve | relay | migrate | check`."""

import sys
from collections.abc import Callable, Mapping
from typing import Final

from service.config import EXIT_CONFIGURATION, ConfigurationError, Settings, settings


def _serve(given: Settings) -> None:
    from service.bootstrap import serve  # noqa: PLC0415  # each role imports what it needs

    serve(given)


def _relay(given: Settings) -> None:
    from service.relaying import relay  # noqa: PLC0415  # each role imports what it needs

    relay(given)


def _migrate(given: Settings) -> None:
    from service.postgres.migrating import migrate  # noqa: PLC0415  # as above

    migrate(given.database_url)


def _check(given: Settings) -> int:
    from service.auditors import check  # noqa: PLC0415  # as above

    return check(given)


# What each does until it ends; and its exit code, where it has one.
ROLES: Final[Mapping[str, Callable[[Settings], int | None]]] = {
    "serve": _serve,
    "relay": _relay,
    "migrate": _migrate,
    "check": _check,
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
    try:
        return ROLES[role](given) or 0
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
