"""Templates are listed, checked and tried without a server; a mistake is shown where it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.template_desk import main

SMALLEST = """\
name: shop.order
channel: shop
order: {namespace: {is: shop}, value: id}
always:
  - fact: ORDER_CREATED
    at: {path: created, format: rfc3339}
    amount: {path: total, unit: decimal, currency: {is: CNY}}
"""


def _asked(capsys: pytest.CaptureFixture[str], *question: str) -> tuple[int, Any]:
    code = main(list(question))
    return code, json.loads(capsys.readouterr().out or "null")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return tmp_path / "shop.order.yaml"


def test_every_template_is_listed_with_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = _asked(capsys, "list")

    found = {each["name"]: each for each in answer["templates"]}
    assert code == 0
    assert found["pdd.push"]["channel"] == "pdd"
    assert all(each["about"].endswith(".") for each in found.values())
    assert all(each["version"] >= 1 for each in found.values())


def test_a_template_that_fits_is_fine(capsys: pytest.CaptureFixture[str], template: Path) -> None:
    template.write_text(SMALLEST, encoding="utf-8")

    code, answer = _asked(capsys, "check", str(template))

    assert (code, answer["name"], answer["mistakes"]) == (0, "shop.order", [])


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "says"),
    [
        ("    amount:", "    amuont:", 7, 5, "Write amount."),
        ("ORDER_CREATED", "ORDER_CREATE", 5, 5, "Write ORDER_CREATED."),
        ("rfc3339", "rfc339", 6, 25, "Write rfc3339."),
        ("unit: decimal", "unit: yuan", 7, 27, "Write one of: decimal, displayed, minor."),
        ("always:", "allways:", 4, 1, "Write always."),
        ("value: id", "value: a..b", 3, 32, "No path: 'a..b'"),
        (", currency: {is: CNY}", "", 7, 5, "currency is missing here."),
        ("order: {namespace", "order: {namespaces", 3, 9, "Write namespace."),
        ("name: shop.order", "name: [shop.order", 2, 8, "No YAML"),
        ("channel: shop", "channel: shop\nversion: one", 3, 1, "A version is a whole number"),
        ("channel: shop", "channel: shop\nversion: 3000000000", 3, 1, "from 1 to 2147483647"),
        ("channel: shop", "channel: shop\nname: other", 3, 1, "stands here a second time"),
        ("always:", "switch: state\nalways:", 4, 1, "A switch has cases"),
        ("always:", "switch: a\ncases: {1: []}\nalways:", 5, 9, 'write "1" with quotes'),
    ],
)
def test_a_mistake_is_shown_with_its_place_and_what_to_write_instead(
    right: str,
    wrong: str,
    line: int,
    column: int,
    says: str,
    *,
    capsys: pytest.CaptureFixture[str],
    template: Path,
) -> None:
    template.write_text(SMALLEST.replace(right, wrong), encoding="utf-8")

    code, answer = _asked(capsys, "check", str(template))

    (mistake,) = answer["mistakes"]
    assert code == 1
    assert (mistake["file"], mistake["line"], mistake["column"]) == (str(template), line, column)
    assert says in mistake["what"]


def test_an_empty_file_is_told_what_belongs_there(
    capsys: pytest.CaptureFixture[str], template: Path
) -> None:
    template.write_text("", encoding="utf-8")

    code, answer = _asked(capsys, "check", str(template))

    assert (code, answer["mistakes"][0]["line"]) == (1, 1)
    assert "nothing is here" in answer["mistakes"][0]["what"]


def test_a_misspelt_name_hides_no_other_mistake(
    capsys: pytest.CaptureFixture[str], template: Path
) -> None:
    wrong = SMALLEST.replace("channel:", "chanel:").replace("rfc3339", "rfc339")
    template.write_text(wrong, encoding="utf-8")

    _, answer = _asked(capsys, "check", str(template))

    assert [each["line"] for each in answer["mistakes"]] == [2, 6]


@pytest.mark.parametrize(
    ("total", "currency", "shown"),
    [("0.05", "CNY", "0.05 CNY"), ("1500", "JPY", "1500 JPY"), ("1.5", "KWD", "1.500 KWD")],
)
def test_money_is_shown_as_people_write_it(
    total: str,
    currency: str,
    shown: str,
    *,
    capsys: pytest.CaptureFixture[str],
    template: Path,
    tmp_path: Path,
) -> None:
    template.write_text(SMALLEST.replace("CNY", currency), encoding="utf-8")
    message = tmp_path / "m.json"
    message.write_text(json.dumps({"id": 7, "created": "2025-12-29T00:00:00Z", "total": total}))

    _, answer = _asked(capsys, "try", str(template), str(message))

    assert answer["steps"][0]["fields"][2]["value"] == shown


def test_mistakes_in_several_facts_are_told_together(
    capsys: pytest.CaptureFixture[str], template: Path
) -> None:
    wrong = (
        "  - {fact: PAID, at: receipt}\n  - {fact: NOTED, at: receipt, nite: {is: a}, vouchr: b}\n"
    )
    template.write_text(f"version: 2\n{SMALLEST}{wrong}", encoding="utf-8")

    code, answer = _asked(capsys, "check", str(template))

    assert code == 1
    assert [(each["line"], each["column"]) for each in answer["mistakes"]] == [
        (9, 6),
        (10, 32),
        (10, 47),
    ]


def test_a_message_is_told_field_by_field(
    capsys: pytest.CaptureFixture[str], template: Path, tmp_path: Path
) -> None:
    template.write_text(SMALLEST, encoding="utf-8")
    message = tmp_path / "m.json"
    message.write_text('{"id": 7, "created": "2025-12-29T08:00:00+08:00", "total": 12.30}')

    code, answer = _asked(capsys, "try", str(template), str(message))

    (step,) = answer["steps"]
    assert (code, answer["rejections"]) == (0, [])
    assert [
        (each["name"], each["value"], each["place"], each["sent"]) for each in step["fields"]
    ] == [
        ("order", "shop:7", "id", "7"),
        ("at", "2025-12-29T00:00:00+00:00", "created", "2025-12-29T08:00:00+08:00"),
        ("amount", "12.30 CNY", "total", "12.30"),
    ]


def test_a_message_that_is_refused_says_why(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = tmp_path / "m.json"
    message.write_text('{"error_response": {"error_code": 10019}}')

    code, answer = _asked(capsys, "try", "pdd.orders", str(message))

    (rejection,) = answer["rejections"]
    assert (code, answer["steps"]) == (0, [])
    assert rejection["field"] == "error_response"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_template_of_files_is_tried_on_the_first_order_of_an_export(
    encoding: str, *, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    export = tmp_path / "export.csv"
    export.write_text(
        "订单号,商品ID,订购数量,支付方式,下单时间,结算金额,订单状态,付款确认时间\n"
        '="117",10001,1,在线支付,2025-12-29 08:00:00,12.30,等待出库,2025-12-29 08:01:00\n'
        '="118",10002,1,在线支付,2025-12-29 08:00:00,1.00,等待出库,2025-12-29 08:01:00\n'
        '="117",10003,2,在线支付,2025-12-29 08:00:00,12.30,等待出库,2025-12-29 08:01:00\n',
        encoding=encoding,
    )

    code, answer = _asked(capsys, "try", "jd.orders.file", str(export))

    told = {each["name"]: each["value"] for each in answer["steps"][0]["fields"]}
    assert (code, answer["rejections"]) == (0, [])
    assert (told["order"], told["amount"]) == ("jd:117", "12.30 CNY")
    assert (told["line 1"], told["line 2"]) == ("1 × 10001", "2 × 10003")


def test_a_person_is_never_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = tmp_path / "m.json"
    order = {
        "order_sn": "1",
        "created_time": "2025-12-29 08:00:00",
        "pay_amount": 1,
        "order_status": 1,
        "receiver_name": "张三丰",
        "receiver_phone": "13800138000",
    }
    message.write_text(json.dumps({"order_info_get_response": {"order_info": order}}))

    main(["try", "pdd.orders", str(message)])

    told = capsys.readouterr().out
    assert "identity phone" in told
    assert "13800138000" not in told
    assert "张三丰" not in told


def test_what_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, answer = _asked(capsys, "try", "shop.missing", str(tmp_path))

    assert code == 1
    assert "concord template list" in answer["mistakes"][0]["what"]
    assert main(["guess"]) == 2
