"""By what a person is known: equal people give equal digests, masks give none."""

import pytest

from streams.logic.normalising import Identity, IdentityKind, TemplateError, templates_from
from streams.logic.normalising.identities import is_masked, mail, name, phone
from tests.unit.streams.normalising.builders import an_event, fact_of


def _identities(**person: str) -> tuple[Identity, ...]:
    event = an_event(type="order.created", person=person)
    return fact_of("concord.event", event).identities


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "138 0013 8000",
        "+86 138-0013-8000",
        "0086 13800138000",
        "１３８００１３８０００",
    ],
)
def test_a_phone_is_the_same_however_it_is_written(written: str) -> None:
    assert _identities(phone=written) == _identities(phone="13800138000")


def test_a_phone_is_read_by_the_rules_of_its_country() -> None:
    assert phone("(212) 555-2368", "US") == "+12125552368"
    assert phone("010-6255 4433", "CN") == "+861062554433"
    assert _identities(phone="020 7946 0958", country="GB") == _identities(
        phone="+442079460958", country="CN"
    )


@pytest.mark.parametrize("written", ["", "12345", "no number", "0000000000000000000"])
def test_what_is_no_phone_is_left_out(written: str) -> None:
    assert _identities(phone=written) == ()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "138****8000"),
        ("phone", "138xxxx8000"),
        ("phone", "17012345678转1234"),
        ("phone", "18412345678-1234"),
        ("name", "张**"),
        ("mail", "j***@example.com"),
        ("address", "浙江省杭州市****"),
        ("name", "##8J+Ys3ab/cd=="),
        ("phone", "$$aGVsbG8=$xyz$1$$"),
        ("name", "~AgAAAAK9sd0HUABTAAG~1~"),
    ],
)
def test_what_a_platform_hid_is_told_as_masked_and_has_no_digest(kind: str, value: str) -> None:
    assert _identities(**{kind: value}) == (
        Identity(IdentityKind[kind.upper()], "", is_masked=True),
    )


def test_a_name_is_compared_without_titles_codes_and_order_of_words() -> None:
    assert name("张 三先生") == name("张三[1234]") == ("h", "张三")
    assert name("Mr. John O'Neil") == name("ONEIL, John") == ("l", "john oneil")
    assert name("三") == ("", "")


def test_a_mail_address_is_compared_in_lower_case_and_without_its_tag() -> None:
    assert mail("Jo.Doe+shop@Example.com") == "jo.doe@example.com"
    assert mail("no address") == ""


def test_addresses_share_more_of_their_sketches_the_more_alike_they_are() -> None:
    def shared(one: str, other: str) -> int:
        (first,), (second,) = _identities(address=one), _identities(address=other)
        return sum(
            first.digest[at : at + 4] == second.digest[at : at + 4] for at in range(0, 128, 4)
        )

    home = "浙江省杭州市西湖区文三路123号4幢501室"
    assert shared(home, "浙江省 杭州市 西湖区 文三路123号4幢501室") == 32
    assert shared(home, "浙江省杭州市西湖区文三路123号4栋501") >= 16
    assert shared(home, "北京市朝阳区建国路88号") <= 4


def test_no_digest_tells_a_value_to_who_has_not_the_key() -> None:
    for each in _identities(phone="13800138000", mail="a@example.com", name="张三"):
        assert "13800138000" not in each.digest
        assert len(each.digest.rpartition("-")[2]) == 32


def test_a_text_without_letters_or_digits_is_no_address() -> None:
    assert _identities(address="—— ——— …… ！！！") == ()
    assert not is_masked("浙江省杭州市西湖区")


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "fax", "path": "a"},
        {"kind": "phone"},
        {"kind": "phone", "parts": ["a", "b"]},
        {"kind": "address", "path": "a", "parts": ["b"]},
        {"kind": "mail", "path": "a", "region": {"is": "CN"}},
        {"kind": "name", "pth": "a"},
    ],
)
def test_a_rule_that_says_anything_unknown_is_refused(rule: dict[str, object]) -> None:
    fact = {"fact": "ORDER_CREATED", "at": "receipt", "identities": [rule]}
    document = {
        "name": "t",
        "order": {"namespace": {"is": "t"}, "value": "id"},
        "always": [fact],
    }

    with pytest.raises(TemplateError):
        templates_from([document])
