"""The article's table from ten thousand orders, as the acceptance list has it: `make test-long`.

It takes some minutes, so `make test` has the same with a thousand (`test_article.py`).
"""

from __future__ import annotations

import pytest

from tests.system.board import check_article
from tests.system.whole_stack import WholeStack


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_orders_show_the_articles_table(stack: WholeStack) -> None:
    check_article(stack, 10_000)
