"""The words for a digest's figures: whole text for people and screen readers, and the pieces of a card. Pure.

Texts from outside (names, lines) leave here as they came: whoever shows them in Slack escapes them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot.cards.times import how_often
from bot.digest import Figures, LineFigures, RepFigures, Usual
from bot.numbers import masked, pretty

SHOWN = 20
"""How many waiting callers, reps or lines are listed before "and 3 more"."""


class Pieces(msgspec.Struct, frozen=True):
    """A digest in parts, for a card. Plain text: escape before showing in Slack.

    Attributes:
        title: the period.  totals, missed, reps, lines: one sentence or row each; () = nothing to tell.
        chart: rows of equal pitch, for a code block; "" without calls.  busiest: the chart in words.
        as_of: how fresh the figures are, and what is still open.
    """

    title: str
    totals: tuple[str, ...]
    missed: tuple[str, ...]
    reps: tuple[str, ...]
    lines: tuple[str, ...]
    chart: str
    busiest: str
    as_of: str


def words(found: Figures, *, mask: bool = False) -> str:
    """Everything in words, for screen readers and plain text. `mask`: numbers hidden but for two digits."""
    piece = lines(found, mask=mask)
    parts = [piece.title, *piece.totals, *piece.missed]
    for heading, rows in (("By person:", piece.reps), ("By line:", piece.lines), ("By hour:", _hours(found))):
        if rows:
            parts += [heading, *rows]
    return "\n".join([*parts, piece.busiest, piece.as_of])


def bars(found: Figures) -> dict[str, Any] | None:
    """What the picture of the hours shows, for `bot.drawing`; None = no calls, so nothing to draw."""
    if not any(found.incoming_by_hour + found.outgoing_by_hour):
        return None
    return {
        "zone": found.zone,
        "incoming": found.incoming_by_hour,
        "missed": found.missed_by_hour,
        "outgoing": found.outgoing_by_hour,
    }


def picture_words(found: Figures) -> str:
    """The same picture for whoever cannot see it: every bar; below 2,000 characters, whatever the figures are."""
    period = f"{_moment(found.period.start, found.zone)} to {_moment(found.period.end, found.zone)} ({found.zone})"
    return f"Bars: calls by hour, {period}. {'; '.join(_hours(found))}. Hours that are not named had no calls."


def _hours(found: Figures) -> list[str]:
    return [
        f"{hour:02}:00: {found.incoming_by_hour[hour]} incoming, {found.missed_by_hour[hour]} missed, "
        f"{found.outgoing_by_hour[hour]} outgoing"
        for hour in range(24)
        if found.incoming_by_hour[hour] or found.outgoing_by_hour[hour]
    ]


def lines(found: Figures, *, mask: bool = False) -> Pieces:
    """The digest in parts, for a card. `mask`: numbers hidden but for two digits, as in public channels."""
    still = f" {_count(found.open, 'call')} still open." if found.open else ""
    return Pieces(
        title=f"Calls from {_moment(found.period.start, found.zone)} to {_moment(found.period.end, found.zone)} "
        f"({found.zone})",
        totals=_totals(found),
        missed=_missed(found, mask),
        reps=_some([_rep_words(rep) for rep in found.reps]),
        lines=_some([_line_words(line) for line in found.lines]),
        chart=_chart(found),
        busiest=_busiest(found),
        as_of=f"As of {_moment(found.as_of, found.zone)}.{still}",
    )


def _totals(found: Figures) -> tuple[str, ...]:
    rate = "" if found.answer_rate is None else f" (answer rate {_percent(found.answer_rate)})"
    announced = f", {found.announcements} ended with an announcement" if found.announcements else ""
    unreported = f", {found.unreported} not answered and not reported" if found.unreported else ""
    waited = found.median_answer_seconds
    return (
        f"{_count(found.incoming, 'incoming call')}: {found.answered_in} answered, {found.missed} missed{announced}"
        f"{unreported}{rate}.",
        *(() if waited is None else (f"Median time to answer: {duration(waited)}.",)),
        f"{_count(found.outgoing, 'outgoing call')}: {found.answered_out} answered.",
        f"Talk time: {duration(found.talk_seconds)}.",
        *_usual(found.usual),
    )


def _usual(usual: Usual | None) -> tuple[str, ...]:
    if usual is None:
        return ()
    rate = "" if usual.answer_rate is None else f", answer rate {_percent(usual.answer_rate)}"
    return (
        f"In the same hours of the last {usual.weeks} weeks, on average: {_mean(usual.incoming)} incoming "
        f"({_mean(usual.missed)} missed{rate}) and {_mean(usual.outgoing)} outgoing.",
    )


def _mean(number: float) -> str:
    """Small ones with a decimal, for 0.4 is not none."""
    return f"{number:.1f}".removesuffix(".0") if number < 10 else str(round(number))


def _missed(found: Figures, mask: bool) -> tuple[str, ...]:
    if not found.missed:
        return ("No missed calls.",)
    said = [f"{_count(found.missed_callers, 'missed caller')}, {len(found.waiting)} not yet returned."]
    if found.withheld:
        said.append(f"{_count(found.withheld, 'missed call')} without a number.")
    if found.median_return_seconds is not None:
        said.append(f"Median time to call back: {duration(found.median_return_seconds)}.")
    names = {rep.key: rep.name for rep in found.reps}
    waiting = []
    for caller in found.waiting[:SHOWN]:  # each takes 100 us, and of a bad week thousands wait
        number = masked(caller.number) if mask else pretty(caller.number)
        rang = f", rang at {names[caller.rep]}" if caller.rep else ""
        times = f"{how_often(caller.missed)} since" if caller.missed > 1 else "at"
        waiting.append(f"Not yet returned: {number}, missed {times} {_moment(caller.since, found.zone)}{rang}.")
    return (*said, *_some(waiting, len(found.waiting)))


def _rep_words(rep: RepFigures) -> str:
    owed = f", {rep.owed} still to call back" if rep.owed else ""
    returned = f", {rep.returned} called back" if rep.returned else ""
    return (
        f"{rep.name or 'Not known who'}: {rep.made} made, {rep.connected} connected, {rep.answered} answered, "
        f"talk time {duration(rep.talk_seconds)}{returned}{owed}"
    )


def _line_words(line: LineFigures) -> str:
    return (
        f"{pretty(line.line) or 'Line not told'}: {line.incoming} incoming, {line.answered} answered, "
        f"{line.missed} missed, {line.outgoing} outgoing, talk time {duration(line.talk_seconds)}"
    )


def _chart(found: Figures) -> str:
    rows = (
        ("incoming", found.incoming_by_hour),
        ("missed", found.missed_by_hour),
        ("outgoing", found.outgoing_by_hour),
    )
    top = max(max(counts) for _, counts in rows)
    if not top:
        return ""
    ruler = "".join(f"{hour:02}    " for hour in range(0, 24, 6)).rstrip()
    return "\n".join([f"{'hour':9}{ruler}", *(f"{name:9}{_bars(counts, top)}" for name, counts in rows)])


def _bars(counts: Iterable[int], top: int) -> str:
    """One character an hour, all rows to the same scale; a dot is none, so that a single call still shows."""
    return "".join("▁▂▃▄▅▆▇█"[-(-count * 8 // top) - 1] if count else "·" for count in counts)


def _busiest(found: Figures) -> str:
    both = [ins + outs for ins, outs in zip(found.incoming_by_hour, found.outgoing_by_hour, strict=True)]
    if not any(both):
        return "No calls in this period."
    hour = both.index(max(both))
    return (
        f"Busiest hour: {hour:02}:00 to {(hour + 1) % 24:02}:00 with {found.incoming_by_hour[hour]} incoming "
        f"({found.missed_by_hour[hour]} missed) and {found.outgoing_by_hour[hour]} outgoing."
    )


def duration(seconds: float) -> str:
    """ "1 h 05 min", "4 min 10 s", "25 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _moment(at: float, zone: str) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B %Y %H:%M}"


def _percent(rate: float) -> str:
    """Never rounded up to 100 %: one missed call must show."""
    return f"{int(rate * 100 + 1e-9)} %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _some(rows: list[str], count: int = 0) -> tuple[str, ...]:
    """The first of these rows, and how many more there are. `count`: in all, where `rows` are not all of them."""
    more = max(count, len(rows)) - SHOWN
    return (*rows[:SHOWN], f"and {more} more") if more > 0 else tuple(rows)
