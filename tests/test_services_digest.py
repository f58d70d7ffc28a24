"""A digest, end to end: the whole bot as it runs, its job, a drawing, signed Slack requests, real HTTP.

Slow, because due digests are looked for every 20 seconds; `make test MARKS=` includes it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot import demo
from bot.events import CdrReceived, Described, Outcome
from bot.periods import Subscription
from bot.store import ledger
from tests.town import LEISURELY, town

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("picture", [True, False])
async def test_a_digest_falls_due(tmp_path: Path, picture: bool) -> None:
    async with town(tmp_path, added="" if picture else demo.IN_WORDS) as there:
        there.world.clock.set_speed(LEISURELY)
        board = there.callboard.board
        due = datetime.fromtimestamp(board.now() // 60 * 60 - 60, UTC)
        at, line = due.timestamp() - 600, demo.SUPPORT_LINE
        told = Described(ref="x", at=at, source="cdr", direction="in", number="+972505550177", line=line)
        await board.ingest(
            "voicenter", [told, CdrReceived(ref="x", at=at, leg="ext:A", outcome=Outcome.NO_ANSWER)], late=True
        )
        daily = msgspec.json.encode(Subscription("daily", None, due.hour, due.minute, "UTC"))
        await board.write(ledger.subscribe, demo.SUPPORT, "daily", daily, demo.MAYA, due.timestamp() - 1)
        hour = f"{datetime.fromtimestamp(at, UTC):%H}:00: 1 incoming, 1 missed, 0 outgoing"
        assert hour in await there.sees("Call digest", channel=demo.SUPPORT)

        async def blocks() -> list[dict[str, Any]]:
            (message,) = [
                one for one in await there.slack.messages(demo.SUPPORT) if "Call digest" in str(one.get("text"))
            ]
            return [dict(block) for block in message["blocks"]]

        shown = [block for block in await blocks() if block["type"] == "image"]
        assert [hour in block["alt_text"] for block in shown] == [True] * picture
        assert ("█" in str(await blocks())) != picture
        pictures = {block["slack_file"]["id"] for block in shown}
        assert set(there.slack.files.content) == pictures
        assert all(there.slack.files.content[file].startswith(b"\x89PNG") for file in pictures)
