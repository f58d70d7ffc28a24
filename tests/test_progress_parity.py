"""One life of a call, told by pop-ups and by the list of active calls: the same events for every extension.

The vendor's third way, the real-time script for browsers, tells ringing, talking and ended per extension, too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.call import Call
from bot.events import State
from bot.polling import POLL_SECONDS, Poll
from bot.providers.voicenter import Voicenter
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, Office, office
from tests.slack_state import Clock

REF = "20300101000000aaaabbbbccccdddd01"
POPUP = f"/hooks/voicenter/{ENVIRONMENT['CALLBOARD_HOOK_SECRET']}/popup"
ANNA, BEN = "AAPINFzL", "BBPINFzM"
Views = Mapping[str, str]
"""Extension -> what its phone does at that moment, "" or absent = nothing (any more)."""
NUMBER = "12025550155"


@dataclass
class Life:
    """What every phone does, moment by moment; each lasts so long that two polls see it."""

    direction: str
    moments: Sequence[Views]
    started: float = 0
    answered: dict[str, int] = field(default_factory=dict)

    def times(self, extension: str, status: str, now: float) -> dict[str, int]:
        if status == "Talking":
            self.answered.setdefault(extension, int(now))
        return {"callStarted": int(self.started), "callAnswered": self.answered.get(extension, 0)}

    def popups(self, before: Views, after: Views, now: float) -> Iterator[dict[str, Any]]:
        """Only what changed, as Voicenter posts it. *Dialing* has no pop-up."""
        for extension in sorted({*before, *after}):
            if after.get(extension) == before.get(extension) or after.get(extension) == "Dialing":
                continue
            status = after.get(extension) or "Hangup"
            yield {
                "phone": NUMBER,
                "ivrid": REF,
                "extenUser": extension,
                "did": "12025550100" if self.direction == "Incoming" else "",
                "direction": self.direction,
                "status": status,
                **self.times(extension, status, now),
            }

    def listed(self, views: Views, now: float) -> dict[str, Any]:
        """Everything as it stands, as the list answers."""
        rows = []
        for extension, status in views.items():
            times = self.times(extension, status, now)
            call = {
                "callerphone": NUMBER,
                "callstarted": times["callStarted"],
                "callanswered": times["callAnswered"],
                "answered": int(bool(times["callAnswered"])),
                "callstatus": status,
                "ivrid": REF,
                "direction": self.direction,
                "did": "12025550100" if self.direction == "Incoming" else "",
            }
            rows.append({"username": extension, "representative": "", "calls": [call]})
        return {"ERR": 0, "DESC": "OK", "EXTENSIONS": rows}


LIVES: Mapping[str, tuple[str, Sequence[Views]]] = {
    "answered and ended": ("Incoming", [{ANNA: "Ringing"}, {ANNA: "Talking"}, {}]),
    "given up": ("Incoming", [{ANNA: "Ringing"}, {}]),
    "two ring, one answers": (
        "Incoming",
        [{ANNA: "Ringing", BEN: "Ringing"}, {ANNA: "Talking"}, {}],
    ),
    "handed on": (
        "Incoming",
        [{ANNA: "Ringing"}, {ANNA: "Talking"}, {ANNA: "Talking", BEN: "Ringing"}, {BEN: "Talking"}, {}],
    ),
    "click to call": ("Click2Call", [{ANNA: "Ringing"}, {ANNA: "Dialing"}, {ANNA: "Talking"}, {}]),
    "dialled by hand": ("Outgoing", [{ANNA: "Dialing"}, {ANNA: "Talking"}, {}]),
}


async def lived(desk: Office, life: Life, told: str) -> list[Call | None]:
    """The call after every moment, when both polls of a moment have been. None = nobody has told of it yet."""
    now: Views = {}

    def monitor(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=life.listed(now, desk.clock()))

    async with httpx.AsyncClient(transport=httpx.MockTransport(monitor)) as http:
        provider = Voicenter("voicenter", {"code": "CODE-SECRET"}, http, "US")
        provider.clock = desk.clock
        desk.board.providers = {"voicenter": provider}
        poll = Poll(desk.board)
        seen: list[Call | None] = []
        life.started = desk.clock()
        for views in life.moments:
            before, now = now, views
            if told == "popups":
                for popup in life.popups(before, now, desk.clock()):
                    assert (await desk.http.post(POPUP, content=json.dumps(popup))).status_code == 200
            elif not before:  # nothing is polled until somebody has told of the call
                await desk.board.ingest("voicenter", await provider.active_calls())
            for _ in range(2):
                if told == "polls":
                    await poll()
                desk.clock.advance(POLL_SECONDS)
            known = await desk.calls()
            assert len(known) < 2, "one call, whoever tells"
            seen.append(known[0] if known else None)
        return seen


def shown(call: Call) -> tuple[object, ...]:
    """State and legs, with times as exact as two polls can be."""

    def about(at: float) -> float:
        return at and round((at - call.started_at) / (2 * POLL_SECONDS))

    legs = [
        (leg.name, about(leg.ringing_at), about(leg.answered_at), bool(leg.ended_at), leg.outcome)
        for leg in call.legs
        if call.direction == "in"
    ]
    return call.direction, call.state, call.outcome, call.number, call.extension, legs


@pytest.mark.parametrize("name", LIVES)
async def test_polls_tell_what_pop_ups_tell(
    desk: Office, name: str, tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    direction, moments = LIVES[name]
    by_popup = await lived(desk, Life(direction, moments), "popups")
    (tmp_path / "other").mkdir()
    async with office(tmp_path / "other", fake_slack, slack_clock) as other:
        by_poll = await lived(other, Life(direction, moments), "polls")
    for popup, poll, views in zip(by_popup, by_poll, moments, strict=True):
        if "Dialing" in views.values():  # which only the list tells
            continue
        assert popup is not None
        assert poll is not None
        told, polled = shown(popup), shown(poll)
        if name == "given up" and not views:
            # Pop-ups cannot say that no other phone will ring, the list can; so only the call's end differs.
            assert (popup.state, poll.state) == (State.RINGING, State.ENDED)
            told, polled = told[-1:], polled[-1:]
        assert told == polled, views
    assert poll is not None
    assert poll.state is State.ENDED
