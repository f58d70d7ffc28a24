"""Where a call is shown, summed up, masked and escalated."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.call import Call
from bot.events import Outcome, State
from bot.routing import ByLine, masks, quiet_hours
from bot.settings import Line, Settings
from tests import office

SALES, SUPPORT, FAX = "+12025550100", "+12025550101", "+12025550102"
LINES = (
    Line(number=SALES, channel="C1"),
    Line(number=SUPPORT, channel="C2", summary=False, mask=True),
    Line(number=FAX),
)
INCOMING = Call(id="c1", account="voicenter", direction="in", number="+12025550155")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(office.settings(tmp_path), channel="C9", lines=LINES)


@pytest.mark.parametrize(
    ("line", "rep", "queue", "place"),
    [
        (SALES, "", "", "C1"),
        (SALES, "U1", "", "C1"),  # a line's calls are the team's, whoever has them
        (SUPPORT, "", "Help", "C2"),
        (FAX, "", "", "C9"),
        ("", "", "", "C9"),
        ("", "", "Help", "C9"),
        ("", "U1", "", "@U1"),
        ("+12025550199", "U1", "", "@U1"),  # not a line of ours
        ("", "U1", "Help", "C9"),  # a queue's calls are the team's
    ],
)
def test_incoming_calls_have_their_place(settings: Settings, line: str, rep: str, queue: str, place: str) -> None:
    call = Call(id="c1", account="voicenter", direction="in", line=line, rep=rep, queue=queue)
    assert ByLine(settings).place(call) == place


@pytest.mark.parametrize(("line", "place"), [(SALES, "C1"), (SUPPORT, "C2"), (FAX, "C9"), ("", "C9")])
def test_summaries_are_the_teams(settings: Settings, line: str, place: str) -> None:
    call = Call(id="c1", account="voicenter", direction="out", line=line, rep="U1")
    assert ByLine(settings).place(call) == place


def test_a_line_says_whether_its_calls_are_shown_as_they_come(settings: Settings) -> None:
    quiet = replace(settings, lines=tuple(replace(line, incoming=line.number != SALES) for line in settings.lines))
    found = {line: ByLine(quiet).announced(incoming_on(line)) for line in (SALES, SUPPORT, "")}
    assert found == {SALES: False, SUPPORT: True, "": True}


def incoming_on(line: str) -> Call:
    return Call(id="c1", account="voicenter", direction="in", line=line)


def test_without_any_channel_calls_are_shown_nowhere(settings: Settings) -> None:
    routing = ByLine(replace(settings, channel="", lines=()))
    assert routing.place(INCOMING) == ""


def test_a_line_says_whether_it_is_summed_up_and_the_rest_is_as_set(settings: Settings) -> None:
    def summed_up(line: str, summaries: bool) -> bool:
        routing = ByLine(replace(settings, summaries=summaries))
        return routing.summary(Call(id="c1", account="voicenter", line=line))

    assert [summed_up(line, False) for line in (SALES, SUPPORT, "")] == [True, False, False]
    assert [summed_up(line, True) for line in (SALES, SUPPORT, "")] == [True, False, True]


def test_escalation_is_in_seconds(settings: Settings) -> None:
    assert ByLine(replace(settings, escalate_minutes=15)).escalate_after() == 900
    assert ByLine(replace(settings, escalate_minutes=0)).escalate_after() == 0


@pytest.mark.parametrize(
    ("lasted", "outcome", "why"),
    [
        (4.5, Outcome.NO_ANSWER, "brief"),
        (4.5, Outcome.CANCELLED, "brief"),
        (4.5, Outcome.ABANDONED, "brief"),  # in the menu, or a queue
        (5, Outcome.NO_ANSWER, ""),
        (0, Outcome.NO_ANSWER, ""),  # nobody told how long
        (1, Outcome.BUSY, ""),  # they had no chance to wait
        (1, Outcome.REJECTED, ""),
        (1, Outcome.UNREACHABLE, ""),
        (4, Outcome.VOICEMAIL, ""),  # they left a message
    ],
)
def test_whoever_gives_up_at_once_is_no_missed_caller(
    settings: Settings, lasted: float, outcome: Outcome, why: str
) -> None:
    call = msgspec.structs.replace(
        INCOMING, line=SALES, state=State.ENDED, outcome=outcome, started_at=1e9, ended_at=1e9 + lasted
    )
    assert ByLine(replace(settings, brief_seconds=5)).unreported(call) == why
    assert ByLine(settings).unreported(call) == ""


def test_of_a_line_that_is_nobodys_concern_no_missed_caller_is_told(settings: Settings) -> None:
    routing = ByLine(replace(settings, lines=(*LINES[:2], Line(number=FAX, missed=False))))
    for outcome in (Outcome.NO_ANSWER, Outcome.VOICEMAIL):
        call = msgspec.structs.replace(INCOMING, state=State.ENDED, outcome=outcome, ended_at=90)
        told = [routing.unreported(msgspec.structs.replace(call, line=line)) for line in (SALES, FAX, "")]
        assert told == ["", "line", ""]


def test_a_line_masks_its_channel(settings: Settings) -> None:
    assert [masks(settings, place) for place in ("C1", "C2", "C9", "C7", "@U1")] == [False, True, False, False, False]


def test_a_line_without_a_channel_of_its_own_masks_the_one_where_it_is_shown(settings: Settings) -> None:
    hidden = replace(settings, lines=(Line(number=FAX, mask=True),))
    assert [masks(hidden, place) for place in ("C9", "C1", "@U1")] == [True, False, False]


def test_masking_everywhere_is_everywhere_but_in_a_reps_own_conversation(settings: Settings) -> None:
    everywhere = replace(settings, mask=True)
    assert [masks(everywhere, place) for place in ("C1", "C2", "C9", "C7", "@U1")] == [True, True, True, True, False]


def paced(settings: Settings) -> Settings:
    """Sales has a roundup each hour, support quiet hours and no outgoing calls; all others a roundup each day."""
    sales, support, fax = settings.lines
    lines = (
        replace(sales, roundup="hourly"),
        replace(support, quiet=("20:00", "08:00")),
        replace(fax, roundup="daily", incoming=False),
    )
    return replace(settings, zone="UTC", lines=lines, roundup="daily")


def ended(line: str, at: float, **more: Any) -> Call:
    told = {"direction": "in", "outcome": Outcome.ANSWERED} | more
    return Call(id="c1", account="voicenter", line=line, state=State.ENDED, ended_at=at, **told)


NOON, EVENING = 1_770_033_600.0, 1_770_069_600.0
"""2 February 2026, 12:00 and 22:00 UTC."""


def test_a_roundup_is_of_one_period_and_place(settings: Settings) -> None:
    routing = ByLine(paced(settings))
    subjects = []
    for line, place, at in (
        (SALES, "C1", NOON + 60),
        (SALES, "C1", NOON + 3599.9),
        (SALES, "C1", NOON + 3600),
        (SALES, "C2", NOON + 60),
        (SUPPORT, "C2", EVENING),
        ("", "C9", EVENING),
        ("+12025550199", "C9", NOON),
    ):
        found = routing.roundup(ended(line, at), place, at + 5000)
        assert found is not None
        subjects.append(found.subject)
    assert subjects == [
        "hourly:C1:1770033600:1770037200",
        "hourly:C1:1770033600:1770037200",
        "hourly:C1:1770037200:1770040800",
        "hourly:C2:1770033600:1770037200",
        "quiet:C2:1770062400:1770105600",
        "daily:C9:1769990400:1770076800",
        "daily:C9:1769990400:1770076800",
    ]


def test_what_has_a_message_of_its_own_has_no_roundup(settings: Settings) -> None:
    routing = ByLine(paced(settings))
    for call, place in (
        (ended(SUPPORT, NOON), "C2"),  # not quiet
        (ended("", NOON), "@U1"),
        (ended("", NOON), ""),
        (ended(SUPPORT, EVENING, direction="out"), "C2"),  # which nobody is told of
        (ended(FAX, NOON), "C9"),
        (ended(SALES, NOON, direction="out", outcome=Outcome.REFUSED), "C1"),
        (ended(SALES, NOON, direction="out", purpose="message"), "C1"),
        (ended(SALES, NOON, fetched=True), "C1"),
    ):
        assert routing.roundup(call, place, NOON) is None
    assert ByLine(settings).roundup(ended(SALES, NOON), "C1", NOON) is None


def test_what_goes_on_in_quiet_hours_is_not_shown_then(settings: Settings) -> None:
    running = msgspec.structs.replace(INCOMING, line=SUPPORT, state=State.TALKING)
    routing = ByLine(paced(settings))
    assert [routing.roundup(running, "C2", at) is None for at in (NOON, EVENING)] == [True, False]


def test_quiet_hours_are_a_channels(settings: Settings) -> None:
    routing = ByLine(paced(settings))
    until = [routing.quiet_until(place, EVENING) for place in ("C1", "C2", "C9", "C7", "@U1")]
    assert until == [0, EVENING + 10 * 3600, 0, 0, 0]
    everywhere = replace(settings, zone="UTC", quiet=("20:00", "08:00"))  # of lines that are not listed
    assert quiet_hours(everywhere) == {"C9": (("20:00", "08:00"),)}
    assert quiet_hours(replace(everywhere, channel="", lines=())) == {}
