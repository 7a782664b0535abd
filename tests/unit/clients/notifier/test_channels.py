"""The channels file: read whole, or every mistake told at once and no secret repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.notifier import channels
from clients.notifier.channels import ChannelsError

WHOLE = """
hosts: [smtp.example.com, sms.example.com, erp.example.com]
private: [10.20.0.0/16]
services: [slack]
wecom: {finance: {key: {env: KEY}}}
wecom_text: {shop: {key: {file: key.secret}}}
dingtalk: {ops: {token: {env: KEY}, secret: {env: KEY}}}
feishu: {ops: {token: {env: KEY}}}
mail: {host: smtp.example.com, sender: desk@example.com, user: desk, password: {env: KEY}}
sms: {url: "https://sms.example.com/send", secret: {env: KEY}}
webhook: {erp: {url: "https://erp.example.com/notices", secret: {env: KEY}}}
apprise: {team: {url: {env: URL}}}
"""
ENVIRON = {"KEY": "s3cret-value", "URL": "slack://a/b/c"}


def read(folder: Path, text: str) -> channels.Channels:
    (folder / "key.secret").write_text("from-a-file\n")
    (folder / "channels.yaml").write_text(text)
    return channels.load(folder / "channels.yaml", ENVIRON)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ChannelsError) as error:
        read(folder, text)
    told = str(error.value)
    assert "s3cret" not in told
    return told.splitlines()


def test_a_whole_file_is_read_and_shows_no_secret(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)

    assert found.robots["wecom"]["finance"].url.startswith("https://qyapi.weixin.qq.com/")
    assert found.robots["wecom_text"]["shop"].token == "from-a-file"
    assert found.mail is not None
    assert (found.mail.port, found.mail.security) == (587, "starttls")
    assert "s3cret" not in repr(found)
    assert "slack://" not in repr(found)


def test_an_empty_file_of_nothing_reaches_nobody(tmp_path: Path) -> None:
    assert read(tmp_path, "{}") == channels.Channels(robots={})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("wecom: {finance: {}}", "wecom.finance has no key"),
        ("wecom: {finance: {key: s3cret-value}}", "a secret does not stand in this file"),
        ("wecom: {finance: {key: {env: NONE}}}", "NONE is not set"),
        ("wecom: {Finance!: {key: {env: KEY}}}", "wecom has a name"),
        ("wecm: {finance: {key: {env: KEY}}}", "'wecm', which is none of"),
        ('sms: {url: "https://inside.example.com", secret: {env: KEY}}', "is not allowed; add it"),
        ('sms: {url: "ftp://sms.example.com", secret: {env: KEY}}', "sms.url"),
        ("mail: {host: smtp.example.com, sender: desk}", "mail.sender must be a mail address"),
        ("mail: {host: h, sender: a@b, port: 99999}", "must be a port from 1 to 65535"),
        ("mail: {host: h, sender: a@b, security: none}", "tls, starttls or plain"),
        ("private: [somewhere]", "networks such as"),
        ("hosts: smtp.example.com", "hosts must be a list"),
        ("- wecom", "must be a mapping"),
        ("wecom: {", "is no YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert any(says in each for each in problems(tmp_path, text))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "wecom: {finance: {}}\nprivate: [x]\nmail: {sender: desk@example.com}\n"

    assert len(problems(tmp_path, text)) == 3


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ChannelsError, match="cannot be read"):
        channels.load(tmp_path / "none.yaml", {})
