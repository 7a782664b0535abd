"""Runs a stack from its first process to its last: `concord up`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from datetime import UTC, datetime
from typing import Any, Final

from deploy.local import plan as plans
from deploy.local import processes
from deploy.local.checklist import Checklist
from deploy.local.environment import Surroundings
from deploy.local.folder import DataFolder
from deploy.local.plan import Plan
from deploy.local.process import NotReadyError, Process, UnusableError
from deploy.local.supervisor import StackFailedError, Supervisor

# Own servers run already: what does not answer by then will not.
OWN_SERVER_ANSWERS_WITHIN_S: Final = 5.0

# The first order is through about 5 s after the traffic's start; on a busy machine later. A stack
# that is ready has something to look at, so readiness is told with it.
FIRST_ORDER_WITHIN_S: Final = 60.0
ORDER_ID: Final = re.compile(r'"(?:orders/)?(ord-[^"/]+)"')


class Stack:
    """One stack, as it is told about: to a person on the checklist, to programs in the state."""

    def __init__(
        self, folder: DataFolder, plan: Plan, checklist: Checklist, *, as_json: bool
    ) -> None:
        self._as_json = as_json
        self._folder = folder
        self._plan = plan
        self._checklist = checklist
        self._phase = "starting"
        self._began = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
        self._supervisor = Supervisor(plan.specs, logs=folder.logs, listener=self)

    def changed(self, process: Process, detail: str) -> None:
        """Tell both."""
        self._save()
        self._checklist.changed(process, detail)

    def wrote(self, name: str, line: str) -> None:
        """Tell the person; programs read the log file."""
        self._checklist.wrote(name, line)

    async def run(self) -> int:
        """Start everything, stay until told to end, end everything; return the exit code."""
        ending, impatient = asyncio.Event(), asyncio.Event()
        _on_signals(ending, impatient)
        work = asyncio.create_task(self._start_and_watch())
        asked = asyncio.create_task(ending.wait())
        ticker = asyncio.create_task(self._checklist.tick())
        try:
            await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return 0
            return self._explain(work.exception())
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._stop(impatient)
            ticker.cancel()
            asked.cancel()

    async def _start_and_watch(self) -> None:
        self._save()
        self._folder.write_environment(self._plan.contract.shared())
        for note in self._plan.notes:
            self._checklist.say(f"  {note}")
        await asyncio.gather(*(self._await_own(name) for name in self._plan.own))
        await self._supervisor.start()
        self._phase = "ready"
        self._save()
        await self._summarise()
        if self._as_json:
            print(json.dumps(self._folder.read_state()), flush=True)
        await self._supervisor.watch()

    async def _await_own(self, name: str) -> None:
        deadline = time.monotonic() + OWN_SERVER_ANSWERS_WITHIN_S
        while True:
            try:
                await self._plan.own[name]()
            except NotReadyError as error:
                if time.monotonic() > deadline:
                    raise UnusableError(f"your own {name} does not answer: {error}") from error
                await asyncio.sleep(0.2)
            else:
                self._checklist.say(f"  {name:<10} your own, {self._plan.addresses[name]}")
                return

    async def _summarise(self) -> None:
        say, at = self._checklist.say, self._plan.addresses
        names = self._supervisor.processes
        say()
        for title, text in (
            ("gRPC", at["service"] if "service" in names else ""),
            ("PostgreSQL", at["postgres"]),
            ("Valkey", at["valkey"]),
            ("Kafka", at["broker"]),
            ("spans", at.get("spans", "")),
            ("callbacks", self._url("gateway", "/callbacks/{provider}/{account}")),
            ("platforms", self._url("platforms", "/control/statistics")),
            ("metrics", self._plan.metrics()),
            ("logs", str(self._folder.logs)),
            ("passwords", f". {self._folder.environment_file}"),
        ):
            if text:
                say(f"  {title:<10} {text}")
        say()
        if "service" in names:
            order = await self._find_order() if "traffic" in names else None
            say(f"  {processes.script('concord')} order explain {order or 'ORDER'}")
            say(
                f"  {processes.script('buf')} curl --protocol grpc --http2-prior-knowledge"
                f" -d '{{\"page_size\": 1}}'"
                f" http://{at['service']}/concord.orders.v1.OrderService/ListOrders"
            )
            say()
        say(f"ready in {self._checklist.elapsed_s():.1f} s; Ctrl-C or `make down` ends it")

    def _url(self, name: str, path: str) -> str:
        """Return an address for people of what runs and speaks HTTP; nothing if it does not."""
        at = self._plan.addresses
        is_there = name in self._supervisor.processes and name in at
        return f"http://{at[name]}{path}" if is_there else ""

    async def _find_order(self) -> str | None:
        """Ask the service for an order to look at, as a user would."""
        concord = processes.script("concord")
        command = (concord, "order", "list", "--json", "--limit", "1")
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(FIRST_ORDER_WITHIN_S):
                while True:
                    asking = await asyncio.create_subprocess_exec(
                        *command,
                        env=self._plan.contract.of("cli"),
                        stdout=asyncio.subprocess.PIPE,
                        stderr=asyncio.subprocess.DEVNULL,
                    )
                    try:
                        answer, _ = await asking.communicate()
                    except asyncio.CancelledError:
                        asking.kill()
                        raise
                    if found := ORDER_ID.search(answer.decode()):
                        return found.group(1)
                    await asyncio.sleep(0.3)
        return None

    async def _stop(self, impatient: asyncio.Event) -> None:
        self._phase = "stopping"
        self._save()
        self._checklist.say("stopping …")
        stopping = asyncio.create_task(self._supervisor.stop())
        hurry = asyncio.create_task(impatient.wait())
        await asyncio.wait([stopping, hurry], return_when=asyncio.FIRST_COMPLETED)
        while not stopping.done():
            for process in self._supervisor.processes.values():
                process.send(process.spec.death_signal)
            await asyncio.wait([stopping], timeout=0.5)
        hurry.cancel()
        await stopping
        self._folder.forget_state()
        self._checklist.say("stopped; the data is kept (`make clean` deletes it)")

    def _explain(self, error: BaseException | None) -> int:
        if isinstance(error, StackFailedError):
            for line in error.process.log.tail:
                self._checklist.say(f"    {line}")
            self._checklist.say(f"{error}; its log: {error.process.log.path}")
            return 1
        if error is not None:
            raise error
        return 0

    def _save(self) -> None:
        self._folder.write_state(
            {
                "phase": self._phase,
                "pid": os.getpid(),
                "started_at": self._began,
                "addresses": dict(self._plan.addresses),
                "environment_file": str(self._folder.environment_file),
                "processes": {
                    process.name: _describe(process)
                    for process in self._supervisor.processes.values()
                },
            }
        )


def _describe(process: Process) -> dict[str, Any]:
    return {
        "state": process.state.value,
        "pid": process.pid,
        "restarts": process.restarts,
        "ready_after_s": process.ready_after_s and round(process.ready_after_s, 2),
        "log": str(process.log.path),
    }


def _on_signals(ending: asyncio.Event, impatient: asyncio.Event) -> None:
    """End at the first signal, at once at the second."""

    def asked() -> None:
        (impatient if ending.is_set() else ending).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who started us with `nohup` has asked not to be ended by a closing terminal.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, asked)


def run(
    surroundings: Surroundings, checklist: Checklist, without: list[str], *, as_json: bool
) -> int:
    """Run a stack, unless one runs in this data folder already; return the exit code."""
    folder = DataFolder(surroundings.folder)
    folder.open()
    if not folder.acquire():
        state = folder.read_state()
        checklist.say(f"Concord is up already (process {state.get('pid', 'unknown')}):")
        for name, address in state.get("addresses", {}).items():
            checklist.say(f"  {name:<16} {address}")
        if as_json:
            print(json.dumps(state))
        return 0
    try:
        checklist.say(f"Concord starts; data and logs in {folder.path}")
        plan = plans.make(surroundings, folder, without)
        try:
            return asyncio.run(Stack(folder, plan, checklist, as_json=as_json).run())
        finally:
            plan.ports.release()
    finally:
        folder.forget_state()
        folder.release()
