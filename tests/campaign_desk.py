"""What people do with campaigns and lists of calls in Slack, and what they then see."""

from typing import Any

from bot import campaigns
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.dialer import dialer
from tests.fake_slack_files import File
from tests.office import Office
from tests.slack_state import Message

ROWS = """number,name,city
+1 202 555 0101,Dana Levi,Haifa
+1 202 555 0102,Sam Hill,
+1 900 555 0123,Premium,
+1 202 555 0103,Noa Green,
202 555 0101,Dana again,
+1 202 555 0104,Never,
nonsense,,
+1 202 555 0105,Max,
+1 202 555 0106,Zoe,
"""
GOOD = [f"+1202555010{last}" for last in "12356"]


def card(desk: Office, user: str = "U2") -> Message:
    (found,) = [message for message in desk.conversation(user) if message.text.startswith("Calls for")]
    return found


def buttons(desk: Office) -> list[str]:
    return [
        element["action_id"].removeprefix("campaign:")
        for block in card(desk).blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def press(desk: Office, action: str, *, user: str = "U2") -> str:
    desk.clock.advance(2)
    told = await desk.press(f"campaign:{action}", card(desk), desk.slack.open_dm("U2").id, user=user)
    desk.clock.advance(2)
    await desk.settle()
    return told


async def paste(desk: Office, rows: str = ROWS) -> None:
    await desk.type("/campaign upload spring sale", user="U2")
    assert await desk.submit({"rows": rows}, user="U2") == {}


async def drop(desk: Office, file: File, user: str = "U2", **delivery: Any) -> Message:
    """Send a file into the conversation with the app; returns what it answers."""
    signed = slack_requests.direct_message(desk.slack, "", user=user, files=[file.as_json()], **delivery)
    await desk.send(signed)
    return desk.conversation(user)[-1]


def texts(desk: Office, user: str = "U2") -> list[str]:
    return [message.text for message in desk.conversation(user) if message.author == desk.slack.bot_user]


def bulk_orders(desk: Office) -> list[tuple[object, ...]]:
    return [order[1:] for order in dialer(desk).orders_of("add_campaign_calls")]


async def audit(desk: Office) -> list[tuple[str, str, str, str]]:
    return [(who, what, subject, detail) for _, who, what, subject, detail in await desk.board.read(audit_log)]


def value(desk: Office, code: str) -> str:
    sheet = dialer(desk).sheets[code]
    return f"voicenter {campaigns.key(dialer(desk)._as_listed(code, sheet))}"
