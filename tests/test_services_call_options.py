"""Options of every call, and an extension behind a switchboard, end to end: every simulated service takes them.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from pathlib import Path

import pytest

from bot.events import Outcome
from tests.test_services_callgear import served
from tests.town import town as running

pytestmark = pytest.mark.slow

ADDED = """
[accounts.callgear.call]
confirm_key = "any"
hear_dialling = true
dial_music = "101"
rep_message = { media = "102" }
customer_message = "One moment, please."
[accounts.voicenter.call]
caller_name = "Green Gardens"
rep_caller_id = "+972505550100"
rep_ring_seconds = 20
ring_seconds = 30
max_seconds = 1800
language = "he"
variables = { team = "north" }
[accounts.gurulize.call]
language = "tr"
max_seconds = 1800
"""


@pytest.mark.parametrize(
    ("account", "phone", "number"),
    [
        ("callgear", "+972 50 555 0190", "+972 50 555 0101 ext 42"),
        ("voicenter", "+972 50 555 0190", "+972 50 555 0101"),
        ("gurulize", "+90 555 000 00 90", "+90 555 000 00 02"),
    ],
)
async def test_a_call_with_options_is_placed_and_talked_on(
    tmp_path: Path, account: str, phone: str, number: str
) -> None:
    async with running(tmp_path, added=ADDED) as town:
        await town.type(f"/phone link {phone}")
        await town.sees(phone.partition(" ")[0], "rings first")
        await town.type(f"/call {number} via {account}")
        call = await town.ended(wanted=lambda call: call.outcome is not Outcome.PENDING)
        assert (call.account, call.outcome) == (account, Outcome.ANSWERED), call.words
        if account == "callgear":
            (params,) = served(town, "start.simple_call")
            assert (params["operator_confirmation"], params["dtmf_string"], call.confirm_key) == ("any", "..42", "any")
