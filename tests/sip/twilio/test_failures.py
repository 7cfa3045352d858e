"""A failure at each step, and the run after it."""

import pytest
import requests

from sip.changes import SideError, StoppedError
from sip.line import Line
from tests.sip.twilio.lines import do, line, make, side, whole_line
from tests.sip.twilio.mock import Fault, MockTwilio

FAULTS = {
    "broken": Fault(status=500, code=20500),
    # Done, and nobody heard of it: the next run must not do it twice.
    "late": Fault(error=requests.ReadTimeout(), late=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_an_apply_that_failed_is_finished_by_the_next(fault: Fault) -> None:
    undisturbed = account()
    steps = len(await make(side(whole_line(), undisturbed)))
    for step in range(steps):
        twilio = account()
        twilio.fail(step, fault)

        with pytest.raises(StoppedError) as stopped:
            await make(side(whole_line(), twilio))
        assert (stopped.value.done, stopped.value.left) == (step, steps - step)
        twilio.forget()
        await make(side(whole_line(), twilio))

        assert twilio.picture() == undisturbed.picture()
        assert await side(whole_line(), twilio).plan() == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_destroy_that_failed_is_finished_by_the_next(fault: Fault) -> None:
    made = account()
    await make(side(whole_line(), made))
    steps = len(await side(whole_line(), made).plan_destroy())
    for step in range(steps):
        twilio = account()
        await make(side(whole_line(), twilio))
        twilio.fail(step, fault)

        with pytest.raises(StoppedError):
            await destroy(whole_line(), twilio)
        twilio.forget()
        await destroy(whole_line(), twilio)

        assert await side(whole_line(), twilio).plan_destroy() == []
        assert twilio.picture() == account().picture()


async def test_a_plan_that_cannot_read_says_what_and_changes_nothing(twilio: MockTwilio) -> None:
    await make(side(whole_line(), twilio))
    twilio.forget()
    await side(whole_line(), twilio).plan()
    reads = len(twilio.asked)
    for read in range(reads):
        twilio.forget()
        twilio.on_read = {read: FAULTS["broken"]}

        with pytest.raises(SideError, match=r"^cannot read the .+: Twilio is out of order"):
            await make(side(whole_line(), twilio))

        assert twilio.changes == []


async def test_what_somebody_else_removed_meanwhile_is_made_by_the_next_run(
    twilio: MockTwilio,
) -> None:
    planned = await side(whole_line(), twilio).plan()
    made = [each.kind for each in planned].index("credential list") + 1
    await do(planned[:made])
    [credentials] = twilio.store.list("SIP/CredentialLists")
    twilio.store.delete(f"SIP/CredentialLists/{credentials['sid']}")

    with pytest.raises(StoppedError, match="somebody else may be changing the line: run it again"):
        await do(planned[made:])
    await make(side(whole_line(), twilio))

    assert await side(whole_line(), twilio).plan() == []


async def test_what_somebody_else_removed_first_is_removed(twilio: MockTwilio) -> None:
    await make(side(whole_line(), twilio))
    first, second = side(whole_line(), twilio), side(whole_line(), twilio)
    planned = await second.plan_destroy()
    await do(await first.plan_destroy())

    await do(planned)

    assert twilio.picture() == account().picture()


async def test_changes_that_are_applied_out_of_order_say_so(twilio: MockTwilio) -> None:
    planned = await side(line(), twilio).plan()

    with pytest.raises(StoppedError, match="the trunk was not made: run it again"):
        await do(planned[1:])


def account() -> MockTwilio:
    twilio = MockTwilio()
    for number in whole_line().numbers:
        twilio.owns(number.number)
    return twilio


async def destroy(wanted: Line, twilio: MockTwilio) -> None:
    await do(await side(wanted, twilio).plan_destroy())
