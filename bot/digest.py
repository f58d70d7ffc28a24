"""The figures of a period. Pure: rows from the store in, numbers out; `digest_words` says them.

What every figure means is written down once, in `DEFINITIONS`, which the card's "What do these mean?" shows. A row
is one conversation however many legs it had.

Speed: 100,000 rows in well under a second, still too long for the event loop: call it in a thread.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from bot.events import MISSED_OUTCOMES, Direction, Outcome
from bot.periods import Period

DEFINITIONS = {
    "incoming": "Calls from outside that began in the period, whatever became of them.",
    "outgoing": "Calls to outside that began in the period, also those that never got through.",
    "answered_in": "Incoming calls in which somebody of ours talked with the caller.",
    "answered_out": "Outgoing calls in which the called person answered; the rep's own phone alone does not count.",
    "talk_seconds": "Time from answer to hang-up, summed over all answered calls.",
    "answer_rate": "Answered incoming calls out of answered and missed ones. Announcements, unreported calls and calls "
    "still open are left out.",
    "median_answer_seconds": "From the start of an incoming call to the moment somebody of ours picked it up, menu and "
    "queue included; half of the answered callers waited less. Of calls recorded by hand nobody knows.",
    "missed": "Incoming calls that ended with nobody of ours answering, decided after every phone had stopped "
    "ringing. A voicemail is a missed call.",
    "announcements": "Incoming calls that ended as configured without anybody needed, such as after an announcement.",
    "unreported": "Incoming calls that nobody answered and that are no missed calls: the caller hung up sooner than "
    "brief_seconds, or the line's missed calls are not reported. Nobody waits because of them.",
    "missed_callers": "Different numbers behind the missed calls; somebody who tried three times counts once.",
    "withheld": "Missed calls without a number: nobody can call those back.",
    "waiting": "Missed callers with whom nobody has talked since, in either direction, up to the as-of time.",
    "returned": "Times that a missed caller's wait ended in a conversation with them, in either direction, up to the "
    "as-of time.",
    "median_return_seconds": "From the end of the first missed call of a waiting caller to the start of the next "
    "conversation with them; half of the returned waits were shorter. Attempts that were not answered do not count.",
    "open": "Calls of the period that are still going on or whose record has not arrived; counted among incoming and "
    "outgoing, but nowhere else.",
    "reps": "Per person: calls made, of those connected, incoming calls answered, talk time, waiting callers reached "
    "(returned) and callers still waiting whose latest missed call rang at this person (owed).",
    "lines": "Per line of ours: incoming, answered, missed and outgoing calls, and talk time.",
    "incoming_by_hour": "Incoming calls by the local hour in which they began; a weekly digest adds up the same hour "
    "of all days.",
    "missed_by_hour": "Missed calls by the local hour in which they began.",
    "outgoing_by_hour": "Outgoing calls by the local hour in which they began.",
    "usual": "Averages of the same local hours in each of the four weeks before. Weeks without any call there are left "
    "out; with fewer than two weeks nothing is compared.",
}
"""What each field of `Figures` means, for people."""
LEAST_WEEKS = 2
"""One week is no custom."""


class Row(msgspec.Struct, frozen=True):
    """One call, as the store tells it. Times are seconds since 1970 UTC, 0 = not (yet); durations are seconds.

    Attributes:
        rep: Slack user id, "" = unknown; then person: whose phone talked or rang, as the provider names them.
        number: outside party, E.164 where possible, "" = withheld.  line: ours.
        outcome: None while the call lives.  unreported: nobody answered, and it is no missed call.
    """

    id: str
    direction: Direction
    outcome: Outcome | None
    rep: str
    person: str
    number: str
    line: str
    started_at: float
    answered_at: float = 0
    ended_at: float = 0
    talk_seconds: int = 0
    unreported: bool = False


class Waiting(msgspec.Struct, frozen=True):
    """A missed caller nobody has talked with since.

    Attributes:
        missed: calls missed since the last conversation, in this period.  since: first of them, seconds since 1970.
        rep: key of the person at whom the latest rang, "" = nobody in particular.  line: the latest one's.
    """

    number: str
    missed: int
    since: float
    rep: str
    line: str


class RepFigures(msgspec.Struct, frozen=True):
    """One person's. `key`: Slack user id, else the provider's name of them, "" = unknown. See `DEFINITIONS`."""

    key: str
    name: str
    made: int = 0
    connected: int = 0
    answered: int = 0
    talk_seconds: int = 0
    returned: int = 0
    owed: int = 0


class LineFigures(msgspec.Struct, frozen=True):
    """One line's. `line`: "" = not told."""

    line: str
    incoming: int = 0
    answered: int = 0
    missed: int = 0
    outgoing: int = 0
    talk_seconds: int = 0


class Counts(msgspec.Struct, frozen=True):
    """Calls of one period, by how they ended; as in `DEFINITIONS`."""

    incoming: int = 0
    outgoing: int = 0
    answered_in: int = 0
    missed: int = 0


class Usual(msgspec.Struct, frozen=True):
    """What is usual in the same hours. `weeks`: of so many; the others are averages, but the rate, which is of all."""

    weeks: int
    incoming: float
    outgoing: float
    missed: float
    answer_rate: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one period; each is defined in `DEFINITIONS`.

    Attributes:
        as_of: seconds since 1970 UTC.  answer_rate: 0..1.  answer_rate, median_*_seconds: None = no such call.
        waiting: longest wait first.  reps: most calls first.  lines: by name.  *_by_hour: 24 counts, local hours.
    """

    period: Period
    zone: str
    as_of: float
    incoming: int
    outgoing: int
    answered_in: int
    answered_out: int
    talk_seconds: int
    answer_rate: float | None
    median_answer_seconds: float | None = None
    missed: int
    announcements: int
    unreported: int
    missed_callers: int
    withheld: int
    waiting: tuple[Waiting, ...]
    returned: int
    median_return_seconds: float | None
    open: int
    reps: tuple[RepFigures, ...]
    lines: tuple[LineFigures, ...]
    incoming_by_hour: tuple[int, ...]
    missed_by_hour: tuple[int, ...]
    outgoing_by_hour: tuple[int, ...]
    usual: Usual | None = None


class _RepCount:
    __slots__ = ("answered", "connected", "key", "made", "name", "owed", "returned", "talk_seconds")

    def __init__(self, key: str, name: str) -> None:
        self.key = key
        self.name = name
        self.made = self.connected = self.answered = self.talk_seconds = self.returned = self.owed = 0


class _LineCount:
    __slots__ = ("answered", "incoming", "line", "missed", "outgoing", "talk_seconds")

    def __init__(self, line: str) -> None:
        self.line = line
        self.incoming = self.answered = self.missed = self.outgoing = self.talk_seconds = 0


class _Miss(NamedTuple):
    """What is kept of a missed call until all are counted, its names being there already. Whole rows take five times as
    much: in a busy month fifty megabytes."""

    started_at: float
    id: str
    ended_at: float
    rep: str
    line: str


Returns = Callable[[Set[str]], Iterable[Row]]
"""Numbers -> conversations with them."""


def figures(
    calls: Iterable[Row], returns: Returns, period: Period, zone: str, reps: Callable[[str], str], as_of: float
) -> Figures:
    """Count one period in one pass.

    Args:
        calls: the period's; those that began outside of it are not counted.
        returns: of the numbers that were missed, from the period's start up to `as_of`, also those that are in `calls`;
            more does no harm.
        zone: IANA name of the zone whose hours are shown.
        reps: Slack user id -> name, "" = not known.
        as_of: what happened later than this (seconds since 1970 UTC) is left out.
    """
    tz = ZoneInfo(zone)
    by_rep: dict[str, _RepCount] = {}
    by_line: dict[str, _LineCount] = {}
    hours_in, hours_missed, hours_out = [0] * 24, [0] * 24, [0] * 24
    hour_of: dict[float, int] = {}  # by the minute: what the clock shows takes longer than all else of a row
    answered_in = answered_out = missed = announcements = unreported = withheld = still_open = talk_seconds = 0
    misses: dict[str, list[_Miss]] = {}
    rang: list[float] = []
    talked, pending = Outcome.ANSWERED, Outcome.PENDING  # looked up once, not for each of 300,000 rows
    begins, ends = period.start, period.end

    for row in calls:
        if not begins <= row.started_at < ends:
            continue
        minute = row.started_at // 60
        hour = hour_of.get(minute, -1)
        if hour < 0:
            hour = hour_of[minute] = datetime.fromtimestamp(row.started_at, tz).hour
        line = by_line.get(row.line)
        if line is None:
            line = by_line[row.line] = _LineCount(row.line)
        rep = by_rep.get(row.rep or row.person) or _rep_of(row, by_rep, reps)
        outcome = row.outcome
        answered = outcome is talked
        if answered:
            talk_seconds += row.talk_seconds
            line.talk_seconds += row.talk_seconds
            rep.talk_seconds += row.talk_seconds
        elif outcome is None or outcome is pending:
            still_open += 1
        if row.direction == "out":
            hours_out[hour] += 1
            line.outgoing += 1
            rep.made += 1
            answered_out += answered
            rep.connected += answered
            continue
        hours_in[hour] += 1
        line.incoming += 1
        if answered:
            answered_in += 1
            if row.answered_at:
                rang.append(max(0.0, row.answered_at - row.started_at))
            line.answered += 1
            rep.answered += 1
        elif outcome in MISSED_OUTCOMES and row.unreported:
            unreported += 1
        elif outcome in MISSED_OUTCOMES:
            missed += 1
            hours_missed[hour] += 1
            line.missed += 1
            if _withheld(row.number):
                withheld += 1
            else:
                miss = _Miss(row.started_at, row.id, row.ended_at, rep.key, line.line)
                misses.setdefault(row.number, []).append(miss)
        elif outcome is not None and outcome is not pending:
            announcements += 1

    waiting, waits = _waits(misses, returns, as_of, by_rep, reps)
    return Figures(
        period=period,
        zone=zone,
        as_of=as_of,
        incoming=sum(hours_in),
        outgoing=sum(hours_out),
        answered_in=answered_in,
        answered_out=answered_out,
        talk_seconds=talk_seconds,
        answer_rate=answered_in / (answered_in + missed) if answered_in + missed else None,
        median_answer_seconds=statistics.median(rang) if rang else None,
        missed=missed,
        announcements=announcements,
        unreported=unreported,
        missed_callers=len(misses),
        withheld=withheld,
        waiting=waiting,
        returned=len(waits),
        median_return_seconds=statistics.median(waits) if waits else None,
        open=still_open,
        reps=_rep_figures(by_rep),
        lines=tuple(
            LineFigures(name, line.incoming, line.answered, line.missed, line.outgoing, line.talk_seconds)
            for name, line in sorted(by_line.items())
        ),
        incoming_by_hour=tuple(hours_in),
        missed_by_hour=tuple(hours_missed),
        outgoing_by_hour=tuple(hours_out),
    )


def usual(weeks: Iterable[Counts]) -> Usual | None:
    """What is usual, from the same hours of earlier weeks; None = too few of them to say."""
    told = [week for week in weeks if week.incoming or week.outgoing]
    if len(told) < LEAST_WEEKS:
        return None
    answered, missed = sum(week.answered_in for week in told), sum(week.missed for week in told)
    return Usual(
        weeks=len(told),
        incoming=statistics.fmean(week.incoming for week in told),
        outgoing=statistics.fmean(week.outgoing for week in told),
        missed=missed / len(told),
        answer_rate=answered / (answered + missed) if answered + missed else None,
    )


def _waits(
    misses: Mapping[str, list[_Miss]],
    returns: Returns,
    as_of: float,
    by_rep: dict[str, _RepCount],
    reps: Callable[[str], str],
) -> tuple[tuple[Waiting, ...], list[float]]:
    """Who still waits, and how long the others did (seconds). Also credits and debits the reps.

    A wait begins with a missed call of somebody who is not waiting yet and ends with the next conversation.
    """
    talks: dict[str, list[tuple[float, str]]] = {}
    for row in returns(misses.keys()):
        at = _talked_at(row)
        if row.number in misses and row.outcome is Outcome.ANSWERED and at <= as_of:
            talks.setdefault(row.number, []).append((at, _rep_of(row, by_rep, reps).key))

    still: list[Waiting] = []
    waits: list[float] = []
    for number, missed in misses.items():
        happened: list[tuple[float, int, _Miss | str]] = [(miss.started_at, 1, miss) for miss in missed]
        happened += [(at, 0, rep) for at, rep in talks.get(number, ())]
        waiting: list[_Miss] = []
        for at, _, what in sorted(happened):  # at the same moment the conversation comes first: it is not later
            if isinstance(what, _Miss):
                waiting.append(what)
            elif waiting:
                waits.append(max(0.0, at - (waiting[0].ended_at or waiting[0].started_at)))
                by_rep[what].returned += 1
                waiting = []
        if waiting:
            by_rep[waiting[-1].rep].owed += 1
            still.append(Waiting(number, len(waiting), waiting[0].started_at, waiting[-1].rep, waiting[-1].line))
    return tuple(sorted(still, key=lambda caller: (caller.since, caller.number))), waits


def _rep_of(row: Row, by_rep: dict[str, _RepCount], reps: Callable[[str], str]) -> _RepCount:
    key = row.rep or row.person
    count = by_rep.get(key)
    if count is None:
        count = by_rep[key] = _RepCount(key, (reps(row.rep) if row.rep else "") or row.person or key)
    return count


def _rep_figures(by_rep: dict[str, _RepCount]) -> tuple[RepFigures, ...]:
    """Those who did or owe something; a phone that merely rang is no line in a digest."""
    counted = [
        RepFigures(key, rep.name, rep.made, rep.connected, rep.answered, rep.talk_seconds, rep.returned, rep.owed)
        for key, rep in by_rep.items()
        if rep.made or rep.answered or rep.returned or rep.owed
    ]
    return tuple(sorted(counted, key=lambda rep: (-rep.made - rep.answered, rep.name, rep.key)))


def _talked_at(row: Row) -> float:
    """Calls logged by hand, or settled by a rep's word, have no moment of answer."""
    return row.answered_at or row.started_at


def _withheld(number: str) -> bool:
    """Providers write "anonymous", "unknown" or nothing."""
    return not any(char.isdecimal() for char in number)
