"""A plan starts what is asked for, and hands every process the addresses of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import environment, plan, processes, servers
from deploy.local.folder import DataFolder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    made = DataFolder(tmp_path / "data")
    made.open()
    made.acquire()
    yield made
    made.release()


def a_plan(folder: DataFolder, *without: str, **variables: str) -> plan.Plan:
    surroundings = environment.read({"CONCORD_DATA_DIR": str(folder.path), **variables})
    made = plan.make(surroundings, folder, without)
    made.ports.release()
    return made


def test_everything_is_started_unless_left_out(folder: DataFolder) -> None:
    names = [spec.name for spec in a_plan(folder).specs]

    required = [row.name for row in processes.TABLE if row.is_required]
    assert names[:3] == list(servers.NAMES)
    assert set(required) <= set(names)


def test_nobody_waits_for_what_is_left_out(folder: DataFolder) -> None:
    specs = {spec.name: spec for spec in a_plan(folder, "migrate", "relay").specs}

    assert "relay" not in specs
    assert specs["service"].after == ("valkey",)


@pytest.mark.parametrize(
    ("variable", "url", "name", "address"),
    [
        (
            "CONCORD_DATABASE_URL",
            "postgresql://me:secret@db.example:5432/orders",
            "postgres",
            "db.example:5432/orders",
        ),
        (
            "CONCORD_REDIS_URL",
            "redis://:secret@cache.example:6379/1",
            "valkey",
            "cache.example:6379/1",
        ),
        ("CONCORD_KAFKA_BOOTSTRAP", "kafka.example:9092", "broker", "kafka.example:9092"),
    ],
)
def test_an_own_server_takes_the_place_of_the_embedded_one(
    folder: DataFolder, variable: str, url: str, name: str, address: str
) -> None:
    made = a_plan(folder, **{variable: url})

    assert name not in [spec.name for spec in made.specs]
    assert list(made.own) == [name]
    assert made.contract.of("service")[variable] == url
    assert made.addresses[name] == address


def test_each_process_has_a_metrics_address_of_its_own(folder: DataFolder) -> None:
    addresses = [
        spec.env["CONCORD_METRICS_ADDRESS"]
        for spec in a_plan(folder).specs
        if "CONCORD_METRICS_ADDRESS" in spec.env
    ]

    assert len(addresses) >= 3
    assert len(set(addresses)) == len(addresses)


def test_the_addresses_for_people_hold_no_password(folder: DataFolder) -> None:
    made = a_plan(folder)
    passwords = folder.passwords(servers.NAMES).values()

    shown = " ".join([*made.addresses.values(), *(spec.address for spec in made.specs)])
    commands = " ".join(" ".join(spec.argv) for spec in made.specs)

    assert not any(password in shown + commands for password in passwords)


def test_a_collector_of_the_callers_own_gets_the_spans(folder: DataFolder) -> None:
    made = a_plan(folder, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.example:4317")

    variables = made.contract.of("relay")
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.example:4317"


def test_the_callers_metrics_address_is_not_handed_to_every_process(folder: DataFolder) -> None:
    made = a_plan(folder, CONCORD_METRICS_ADDRESS="127.0.0.1:1")

    assert made.contract.of("relay")["CONCORD_METRICS_ADDRESS"] != "127.0.0.1:1"


def test_servers_get_nothing_from_the_callers_environment(folder: DataFolder) -> None:
    made = a_plan(folder, PGDATA="/elsewhere", LISTENER_URL="tcp://0.0.0.0:9092")

    for spec in made.specs[:3]:
        assert not {"PGDATA", "LISTENER_URL"} & set(spec.env)


def test_the_broker_is_told_to_listen_on_loopback_only(folder: DataFolder) -> None:
    broker = a_plan(folder).specs[2]

    listeners = [argument for argument in broker.argv if argument.startswith("tcp://")]
    assert len(listeners) == 2
    assert all(listener.startswith("tcp://127.0.0.1:") for listener in listeners)


def test_callbacks_are_taken_where_the_platforms_are_told(folder: DataFolder) -> None:
    made = a_plan(folder)
    platforms, gateway = (made.contract.of(name) for name in ("platforms", "gateway"))

    assert platforms["CONCORD_GATEWAY_ADDRESS"] == gateway["CONCORD_GATEWAY_ADDRESS"]
    assert gateway["CONCORD_GATEWAY_ADDRESS"] == made.addresses["gateway"]
    assert gateway["CONCORD_ACCOUNTS"] == str(folder.path / "platforms" / "accounts.yaml")


def test_who_has_accounts_of_his_own_gets_no_fake_platforms(folder: DataFolder) -> None:
    made = a_plan(folder, CONCORD_ACCOUNTS="/etc/concord/accounts.yaml")
    names = {spec.name for spec in made.specs}

    assert {"gateway", "connectors"} <= names
    assert not {"platforms", "shop"} & names
    assert made.contract.of("gateway")["CONCORD_ACCOUNTS"] == "/etc/concord/accounts.yaml"


def test_a_notifier_runs_where_there_is_somewhere_to_send_to(folder: DataFolder) -> None:
    told_where = a_plan(folder, CONCORD_NOTICE_CHANNELS="/etc/concord/channels.yaml")

    assert "notifier" not in {spec.name for spec in a_plan(folder).specs}
    assert "notifier" in {spec.name for spec in told_where.specs}
    assert told_where.contract.of("notifier")["CONCORD_METRICS_ADDRESS"].endswith(":19107")


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        ("traffic", {"traffic", "shop"}),
        ("platforms", {"platforms", "gateway", "connectors", "shop"}),
    ],
)
def test_what_makes_no_sense_alone_is_left_out_with_the_other(
    folder: DataFolder, without: str, gone: set[str]
) -> None:
    names = {spec.name for spec in a_plan(folder, without).specs}

    assert not gone & names
    assert {"service", "relay", "streams"} <= names
