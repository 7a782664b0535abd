"""Many act on one case at one moment: one of them wins, and nothing of the others is stored."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from clients.sdk.errors import (
    CaseChangedError,
    CaseNotPausedError,
    CaseNotResolvedError,
    CasePausedError,
    ConcordError,
    DocumentNotFoundError,
    InvalidArgumentError,
    LoadCapReachedError,
    RoleNotAllowedError,
    StepNotActiveError,
)
from concord.cases.v1.case_service_pb2 import Case
from tests.integration.desk.world import World

AT_ONCE = 8
ADDRESS = {"new_address": "Haidian, Zhongguancun 1"}


def opened(world: World) -> Case:
    """Return a case whose customer wants another address, and customer service must say."""
    order = world.paid()
    return world.by("customer_service").cases.open(order.name, "ADDRESS_CHANGE")


def accepted_at_once(world: World, case: Case, etag: str) -> list[Case | ConcordError]:
    """Let many accept the same address at once."""

    def accept(_number: int) -> Case | ConcordError:
        try:
            return world.by("customer_service").cases.act(
                case.name, "accept", documents=ADDRESS, etag=etag
            )
        except ConcordError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(accept, range(AT_ONCE)))


@pytest.mark.parametrize(
    ("is_guarded", "reason"), [(True, CaseChangedError), (False, StepNotActiveError)]
)
def test_of_many_acts_at_once_one_wins_and_the_others_hear_what_is_allowed(
    world: World,
    is_guarded: bool,  # noqa: FBT001  # a case of the test
    reason: type[CaseChangedError | StepNotActiveError],
) -> None:
    world.next_monday()
    case = opened(world)

    found = accepted_at_once(world, case, case.etag if is_guarded else "")

    won = [each for each in found if isinstance(each, Case)]
    lost = [each for each in found if isinstance(each, reason)]
    assert (len(won), len(lost)) == (1, AT_ONCE - 1)
    for error in lost:
        assert {each.partition(".")[0] for each in error.allowed_acts} == {"apply"}
    now = world.by("operations").cases.get(case.name)
    assert [each.step for each in now.log if each.act == "ACTED"] == ["check.accept"]
    assert len(now.documents) == 1
    if is_guarded:
        (told, *_) = lost
        assert told.metadata["etag"] == now.etag
        assert told.metadata["steps"] == "apply"


def test_what_an_act_would_bring_about_is_refused_with_all_of_it(world: World) -> None:
    world.next_monday()
    order = world.paid(sku="no-such", units=20)
    case = world.by("purchasing").cases.open(order.name, "OUT_OF_STOCK")
    world.by("purchasing").cases.act(case.name, "cannot", documents={"cause": "out of production"})
    world.by("customer_service").cases.act(case.name, "cancel")
    # The parcel left meanwhile: nobody calls that off.
    warehouse = world.by("warehouse").orders
    warehouse.allocate(order.name, voucher="set-late")
    warehouse.approve_outbound(order.name)
    warehouse.ship(order.name, voucher="SF-late")
    before = world.by("operations").cases.get(case.name)

    with pytest.raises(ConcordError) as caught:
        world.by("finance").cases.act(case.name, "refund")

    assert caught.value.reason == "ILLEGAL_TRANSITION"
    after = world.by("operations").cases.get(case.name)
    assert list(after.log) == list(before.log)
    assert [each.step for each in after.steps if not each.HasField("end_time")] == ["refund"]


def test_a_file_is_kept_with_its_hash_and_size_and_comes_back_as_it_was(world: World) -> None:
    world.next_monday()
    case = opened(world)
    photo = bytes(range(256)) * 64
    cases = world.by("customer_service").cases

    added = cases.add_document(
        case.name, "photo", content=photo, file_name="label.jpg", media_type="image/jpeg"
    )
    (kept,) = added.documents
    back = cases.get_document(case.name, kept.number)

    assert (kept.size, kept.digest) == (len(photo), hashlib.sha256(photo).hexdigest())
    assert (back.content, back.file_name, back.actor) == (photo, "label.jpg", "li.lei")
    with pytest.raises(DocumentNotFoundError):
        cases.get_document(case.name, 2)
    with pytest.raises(InvalidArgumentError):
        cases.add_document(case.name, "no_such_kind", text="x")


def test_a_pause_by_hand_moves_the_deadline_and_is_told_once(world: World) -> None:
    world.next_monday()
    case, cases = opened(world), world.by("customer_service").cases
    due = case.due_time.ToDatetime()

    cases.pause(case.name, "asks his wife")
    with pytest.raises(CasePausedError):
        cases.pause(case.name, "again")
    world.pass_time(timedelta(hours=5))
    paused = cases.get(case.name)
    resumed = cases.resume(case.name)

    # Nobody was warned, and nothing was in breach, while its clocks stood.
    assert not paused.HasField("breach_time")
    assert resumed.due_time.ToDatetime() == due + timedelta(hours=5)
    with pytest.raises(CaseNotPausedError):
        cases.resume(case.name)


def test_a_case_is_resolved_past_its_workflow_only_by_whom_it_went_up_to(world: World) -> None:
    world.next_monday()
    case, cases = opened(world), world.by("customer_service").cases

    with pytest.raises(RoleNotAllowedError):
        cases.resolve(case.name, "WITHDRAWN")
    cases.escalate(case.name, note="the customer calls each hour")
    with pytest.raises(CaseNotResolvedError):
        cases.reopen(case.name, note="too early")
    ended = world.by("operations").cases.resolve(case.name, "WITHDRAWN")

    assert ended.state == Case.STATE_RESOLVED
    assert {each.act for each in ended.steps} == {"CASE_ENDED"}
    again = cases.reopen(case.name, note="he calls again")
    assert [each.step for each in again.steps if not each.HasField("end_time")] == ["check"]
    assert (again.reopened, again.level) == (1, 0)


def test_nobody_is_given_more_cases_than_the_role_may_have(world: World) -> None:
    world.next_monday()
    case, cases = opened(world), world.by("customer_service").cases
    cap = 30
    for _ in range(cap):
        cases.assign(opened(world).name, "zhang.san")

    with pytest.raises(LoadCapReachedError) as caught:
        cases.assign(case.name, "zhang.san")

    assert caught.value.metadata["cap"] == str(cap)
    assert cases.assign(case.name, "li.si").assignee == "li.si"
