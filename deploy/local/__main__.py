"""`python -m deploy.local up | down | status | clean`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from typing import Any, Final

from deploy.local import environment, placement, processes, up
from deploy.local.checklist import Checklist
from deploy.local.folder import DataFolder
from deploy.local.process import UnusableError

# Three levels of processes with 10 s each to drain, and PostgreSQL's checkpoint.
DOWN_WITHIN_S: Final = 45.0

# As service managers answer "is it running?".
EXIT_NOT_RUNNING: Final = 3


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return its exit code."""
    options = _parse(arguments)
    # Logs, states and what the servers write are their owner's alone.
    os.umask(0o077)
    surroundings = environment.read()
    folder = DataFolder(surroundings.folder)
    try:
        if options.command == "up":
            without = [row.name for row in processes.TABLE] if options.servers_only else []
            checklist = Checklist(
                has_colour=surroundings.has_colour,
                shows_logs=options.logs,
                # A program reads the one, a person may still watch the other.
                out=sys.stderr if options.json else sys.stdout,
            )
            chosen = [*without, *options.without]
            return up.run(surroundings, checklist, chosen, as_json=options.json)
        return {"down": down, "status": status, "clean": clean}[options.command](
            folder, as_json=options.json
        )
    except UnusableError as error:
        print(f"concord: {error}", file=sys.stderr)
        return 1


def down(folder: DataFolder, *, as_json: bool) -> int:
    """End the running stack, and return when it is gone."""
    was_running = folder.is_in_use()
    if was_running:
        _end(folder)
    _report({"was_running": was_running}, "stopped" if was_running else "not running", as_json)
    return 0


def status(folder: DataFolder, *, as_json: bool) -> int:
    """Tell what runs."""
    if not folder.is_in_use():
        _report({"phase": "stopped"}, "not running", as_json)
        return EXIT_NOT_RUNNING
    state = folder.read_state()
    lines = [f"{state.get('phase', 'starting')} (process {state.get('pid', 'unknown')})"]
    for name, process in state.get("processes", {}).items():
        restarts = f", {process['restarts']} restarts" if process["restarts"] else ""
        address = state["addresses"].get(name, "")
        lines.append(f"  {name:<10} {process['state']:<12} {address}{restarts}")
    _report(state, "\n".join(lines), as_json)
    return 0


def clean(folder: DataFolder, *, as_json: bool) -> int:
    """End the running stack, and delete its data."""
    if folder.is_in_use():
        _end(folder)
    placement.remove_elsewhere(folder.path)
    folder.delete()
    _report({"deleted": str(folder.path)}, f"deleted {folder.path}", as_json)
    return 0


def _end(folder: DataFolder) -> None:
    """Ask the supervisor to end; when it does not, kill it: its processes die with it."""
    pid = folder.read_state().get("pid")
    if pid is None:
        raise UnusableError("a stack is just starting; try again in a moment")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_WITHIN_S
    while folder.is_in_use():
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _report(facts: dict[str, Any], text: str, as_json: bool) -> None:  # noqa: FBT001  # As asked.
    print(json.dumps(facts) if as_json else text)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything and stay")
    starting.add_argument("--logs", action="store_true", help="show what the processes write")
    starting.add_argument("--servers-only", action="store_true", help="start no process of ours")
    starting.add_argument("--without", action="append", default=[], metavar="NAME")
    starting.add_argument("--json", action="store_true", help="tell in JSON when it is ready")
    for name, function in (("down", down), ("status", status), ("clean", clean)):
        command = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        command.add_argument("--json", action="store_true", help="answer in JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
