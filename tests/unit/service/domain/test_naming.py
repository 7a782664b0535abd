"""Names are those of RFC 9562, version 5: others may compute them, too."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from service.domain.naming import named


@given(st.uuids(), st.text())
def test_a_name_is_what_the_standard_library_makes_of_it(namespace: uuid.UUID, text: str) -> None:
    assert named(namespace, text) == str(uuid.uuid5(namespace, text))
