"""The article's table, from traffic through the whole stack to the board; and who may look.

A thousand orders here; `test_article_at_length.py` has the ten thousand.
"""

from __future__ import annotations

import json

import psycopg2
import pytest
import redis

from tests.system.board import check_article
from tests.system.whole_stack import WholeStack

ORDERS = 1_000


@pytest.mark.timeout(600)
def test_a_thousand_orders_show_the_articles_table_and_an_unbroken_journal(
    stack: WholeStack,
) -> None:
    check_article(stack, ORDERS)

    answer = stack.concord("audit", "verify")

    assert (answer["orders"], answer["problem"]) == (str(ORDERS), "")


def test_a_wrong_password_opens_neither_database_nor_views(stack: WholeStack) -> None:
    variables = stack.variables()
    database = variables["CONCORD_DATABASE_URL"].rpartition("@")[2]
    views = variables["CONCORD_REDIS_URL"].rpartition("@")[2]

    for intruder in ("concord:wrong", "concord", "concord_app:wrong", "postgres:wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(f"postgresql://{intruder}@{database}", passfile="/dev/null")
    for intruder in (f":wrong@{views}", views):
        with (
            redis.Redis.from_url(f"redis://{intruder}") as client,
            pytest.raises((redis.AuthenticationError, redis.ResponseError)),
        ):
            client.keys("*")


def test_no_password_is_in_a_log_or_in_what_the_stack_says(stack: WholeStack) -> None:
    passwords = json.loads((stack.folder / "passwords.json").read_text()).values()

    said = [stack.output, *(path.read_text(errors="replace") for path in stack.logs)]

    assert [text for text in said for password in passwords if password in text] == []
