"""The digest's figures, against hand-counted examples and against a slow recount; and the words for them."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from bot.digest import DEFINITIONS, Counts, Figures, LineFigures, RepFigures, Row, Usual, Waiting, figures, usual
from bot.digest_words import SHOWN, bars, duration, lines, picture_words, words
from bot.events import MISSED_OUTCOMES, Outcome
from bot.periods import Period

MADRID = "Europe/Madrid"
ADA, BEN = "U1", "U2"
NAMES = {ADA: "Ada", BEN: "Ben"}


def name_of(user: str) -> str:
    return NAMES.get(user, "")


START = datetime(2026, 11, 19, 17, tzinfo=UTC).timestamp()  # 18:00 in Madrid
END = START + 86400
PERIOD = Period("2026-11-20", START, END, END)
ONE, TWO, THREE = "+12025550101", "+12025550102", "+12025550103"
SALES = "+12025550190"


def row(at: float, outcome: Outcome | None, number: str = ONE, direction: str = "in", **changes: object) -> Row:
    """A call `at` seconds after the period's start."""
    made = Row(
        id=f"{at}-{outcome}-{number}-{direction}",
        direction="out" if direction == "out" else "in",
        outcome=outcome,
        rep="",
        person="",
        number=number,
        line=SALES,
        started_at=START + at,
    )
    return replace(made, **changes)


def missed(at: float, number: str = ONE, rings: int = 20, **changes: object) -> Row:
    return replace(row(at, Outcome.NO_ANSWER, number), ended_at=START + at + rings, **changes)


def talked(at: float, number: str = ONE, direction: str = "out", talk: int = 60, **changes: object) -> Row:
    answered_at = START + at + 10
    return row(
        at,
        Outcome.ANSWERED,
        number,
        direction,
        answered_at=answered_at,
        ended_at=answered_at + talk,
        talk_seconds=talk,
        **changes,
    )


def count(*calls: Row, returns: tuple[Row, ...] = (), as_of: float = END, period: Period = PERIOD) -> Figures:
    return figures(calls, lambda _: (*calls, *returns), period, MADRID, name_of, as_of)


def test_nothing_happened() -> None:
    found = count()
    assert (found.incoming, found.outgoing, found.missed, found.open, found.waiting) == (0, 0, 0, 0, ())
    assert found.answer_rate is None
    assert found.median_return_seconds is None
    assert lines(found).chart == ""
    assert "No calls in this period." in words(found)
    assert "No missed calls." in words(found)


def test_totals() -> None:
    found = count(
        talked(0, direction="in", rep=ADA, talk=100),
        talked(100, TWO, rep=BEN, talk=50),
        row(200, Outcome.NO_ANSWER, TWO, "out", rep=BEN),
        missed(300),
        row(400, Outcome.VOICEMAIL, TWO),
        row(500, Outcome.ANNOUNCEMENT, THREE),
        row(600, None, THREE),
        row(700, Outcome.PENDING, THREE, "out", rep=BEN),
    )
    assert (found.incoming, found.outgoing) == (5, 3)
    assert (found.answered_in, found.answered_out) == (1, 1)
    assert found.talk_seconds == 150
    assert (found.missed, found.announcements, found.open) == (2, 1, 2)
    assert found.answer_rate == pytest.approx(1 / 3)
    assert found.reps == (
        RepFigures(BEN, "Ben", made=3, connected=1, talk_seconds=50),
        RepFigures(ADA, "Ada", answered=1, talk_seconds=100),
        RepFigures("", "", owed=2),
    )
    assert found.lines == (LineFigures(SALES, incoming=5, answered=1, missed=2, outgoing=3, talk_seconds=150),)


def test_the_period_includes_its_start_and_excludes_its_end() -> None:
    found = count(missed(-1), missed(0, TWO), missed(86399, THREE), missed(86400, TWO))
    assert found.missed == 2


def test_nobody_waits_because_of_a_call_that_is_not_reported() -> None:
    found = count(talked(0, direction="in"), replace(missed(100, TWO), unreported=True), missed(200, THREE))
    assert (found.incoming, found.missed, found.unreported, found.missed_callers) == (3, 1, 1, 1)
    assert (found.answer_rate, [caller.number for caller in found.waiting]) == (0.5, [THREE])
    assert found.lines[0].missed == sum(found.missed_by_hour) == 1
    assert "3 incoming calls: 1 answered, 1 missed, 1 not answered and not reported (answer rate 50 %)." in words(found)


@pytest.mark.parametrize("outcome", sorted(MISSED_OUTCOMES))
def test_every_way_to_miss(outcome: Outcome) -> None:
    assert count(row(0, outcome)).missed == 1
    assert count(row(0, outcome, direction="out")).missed == 0


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_conversation_in_either_direction_returns_a_missed_call(direction: str) -> None:
    found = count(missed(0), talked(240, direction=direction, rep=ADA))
    assert found.waiting == ()
    assert found.returned == 1
    assert found.median_return_seconds == 230  # missed until second 20, talking from second 250
    assert found.reps[0].returned == 1


def test_an_attempt_does_not() -> None:
    found = count(missed(0, rep=ADA), row(60, Outcome.NO_ANSWER, ONE, "out"), row(90, None, ONE, "out"))
    assert found.waiting == (Waiting(ONE, 1, START, ADA, SALES),)
    assert [rep.owed for rep in found.reps if rep.key == ADA] == [1]


def test_only_a_later_conversation_with_that_number_does() -> None:
    found = count(talked(0), missed(100), talked(200, TWO))
    assert [caller.number for caller in found.waiting] == [ONE]
    same_moment = count(talked(90), missed(100))  # talking from second 100
    assert [caller.number for caller in same_moment.waiting] == [ONE]


def test_a_conversation_after_the_period_returns_it_up_to_the_as_of_time() -> None:
    after = talked(86400 + 50)
    assert count(missed(86000), returns=(after,), as_of=END + 100).waiting == ()
    assert len(count(missed(86000), returns=(after,), as_of=END + 59).waiting) == 1
    assert count(missed(86000), returns=(after,), as_of=END + 60).waiting == ()
    assert count(missed(86000), after, as_of=END + 100).waiting == ()  # wherever the row comes from
    both = count(missed(86000), after, returns=(after,), as_of=END + 100)
    assert (both.outgoing, both.returned) == (0, 1)


def test_a_caller_who_tries_three_times_waits_once() -> None:
    found = count(missed(0), missed(60), missed(120), talked(240), missed(300), missed(400, rep=BEN), missed(500, TWO))
    assert (found.missed, found.missed_callers, found.returned) == (6, 2, 1)
    assert found.median_return_seconds == 230  # from the first, not from the last
    assert [(rep.key, rep.owed) for rep in found.reps if rep.owed] == [("", 1), (BEN, 1)]
    assert found.waiting == (Waiting(ONE, 2, START + 300, BEN, SALES), Waiting(TWO, 1, START + 500, "", SALES))


def test_talking_before_the_missed_call_had_stopped_ringing_took_no_time() -> None:
    """Both sides called at once."""
    assert count(missed(0, rings=60), talked(20)).median_return_seconds == 0


def test_the_median() -> None:
    found = count(
        *(missed(0, number, rings=0) for number in (ONE, TWO, THREE)),
        *(talked(at, number) for at, number in ((90, ONE), (190, TWO), (5000, THREE))),
    )
    assert found.median_return_seconds == 200


def test_a_call_logged_by_hand_has_no_moment_of_answer() -> None:
    by_word = row(100, Outcome.ANSWERED, direction="out")
    assert count(missed(0), by_word).median_return_seconds == 80


def test_withheld_numbers_are_no_callers() -> None:
    found = count(missed(0, ""), missed(10, "anonymous"), talked(60, ""))
    assert (found.missed, found.withheld, found.missed_callers, found.waiting) == (2, 2, 0, ())
    assert "2 missed calls without a number." in words(found)


def test_people_go_by_the_name_we_know() -> None:
    found = count(
        talked(0, rep=ADA, person="ext 21"),
        talked(10, rep="U9", person="ext 22"),
        talked(20, person="ext 23"),
        talked(30, rep="U8"),
        talked(40),
    )
    assert sorted((rep.key, rep.name) for rep in found.reps) == [
        ("", ""),
        (ADA, "Ada"),
        ("U8", "U8"),
        ("U9", "ext 22"),
        ("ext 23", "ext 23"),
    ]
    assert "Not known who: 1 made" in words(found)


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 23])
def test_hours_are_local_also_on_the_day_the_clocks_go_back(hour: int) -> None:
    zone = ZoneInfo(MADRID)
    midnight = datetime(2026, 10, 25, tzinfo=zone).timestamp()
    day = Period("2026-10-25", midnight, datetime(2026, 10, 26, tzinfo=zone).timestamp(), 0)
    each_half_hour = [missed(midnight - START + n * 1800, str(n)) for n in range(50)]
    found = count(*each_half_hour, period=day)
    assert sum(found.missed_by_hour) == 50
    assert found.incoming_by_hour[hour] == (4 if hour == 2 else 2)


# A slow and obvious recount.


def recount(calls: list[Row], returns: list[Row], as_of: float) -> dict[str, object]:
    inside = [call for call in calls if START <= call.started_at < END]
    incoming = [call for call in inside if call.direction == "in"]
    outgoing = [call for call in inside if call.direction == "out"]
    answered_in = [call for call in incoming if call.outcome == "answered"]
    answered_out = [call for call in outgoing if call.outcome == "answered"]
    unanswered = [call for call in incoming if call.outcome in MISSED_OUTCOMES]
    lost = [call for call in unanswered if not call.unreported]
    known = [call for call in lost if any(char.isdigit() for char in call.number)]
    waits, waiting = [], {}
    for number in {call.number for call in known}:
        theirs = sorted((call for call in known if call.number == number), key=lambda call: (call.started_at, call.id))
        talks = sorted(
            call.answered_at or call.started_at
            for call in [*calls, *returns]
            if call.number == number and call.outcome == "answered" and (call.answered_at or call.started_at) <= as_of
        )
        while theirs:
            later = [at for at in talks if at > theirs[0].started_at]
            if not later:
                waiting[number] = (len(theirs), theirs[0].started_at)
                break
            waits.append(max(0, later[0] - (theirs[0].ended_at or theirs[0].started_at)))
            theirs = [call for call in theirs if call.started_at >= later[0]]
    keys = {call.rep or call.person for call in inside}
    hour = {
        call.id: (datetime.fromtimestamp(call.started_at, UTC).astimezone(ZoneInfo(MADRID))).hour for call in inside
    }
    return {
        "incoming": len(incoming),
        "outgoing": len(outgoing),
        "answered_in": len(answered_in),
        "answered_out": len(answered_out),
        "talk_seconds": sum(call.talk_seconds for call in answered_in + answered_out),
        "answer_rate": len(answered_in) / len(answered_in + lost) if answered_in + lost else None,
        "median_answer_seconds": statistics.median(call.answered_at - call.started_at for call in picked_up)
        if (picked_up := [call for call in answered_in if call.answered_at])
        else None,
        "missed": len(lost),
        "unreported": len(unanswered) - len(lost),
        "missed_callers": len({call.number for call in known}),
        "withheld": len(lost) - len(known),
        "open": len([call for call in inside if call.outcome in (None, "pending")]),
        "returned": len(waits),
        "median_return_seconds": statistics.median(waits) if waits else None,
        "waiting": waiting,
        "reps": {
            key: (
                len([call for call in outgoing if (call.rep or call.person) == key]),
                len([call for call in answered_out if (call.rep or call.person) == key]),
                len([call for call in answered_in if (call.rep or call.person) == key]),
            )
            for key in keys
        },
        "lines": {
            line: (
                len([call for call in incoming if call.line == line]),
                len([call for call in lost if call.line == line]),
                len([call for call in outgoing if call.line == line]),
            )
            for line in {call.line for call in inside}
        },
        "incoming_by_hour": [len([call for call in incoming if hour[call.id] == h]) for h in range(24)],
        "missed_by_hour": [len([call for call in lost if hour[call.id] == h]) for h in range(24)],
        "outgoing_by_hour": [len([call for call in outgoing if hour[call.id] == h]) for h in range(24)],
    }


_OUTCOMES = st.sampled_from([None, *Outcome, *[Outcome.ANSWERED] * 8, *[Outcome.NO_ANSWER] * 8])


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    made = []
    for number in range(draw(st.integers(0, 25))):
        at = START + draw(st.integers(-20, 24 * 6 + 20)) * 600.0  # coarse, so that moments coincide
        outcome = draw(_OUTCOMES)
        rings, talks = draw(st.sampled_from([0, 600])), draw(st.integers(0, 300))
        settled = draw(st.booleans())
        made.append(
            Row(
                id=str(number),
                direction=draw(st.sampled_from(["in", "out"])),
                outcome=outcome,
                rep=draw(st.sampled_from(["", ADA, BEN])),
                person=draw(st.sampled_from(["", "ext 21"])),
                number=draw(st.sampled_from([ONE, TWO, THREE, "", "anonymous"])),
                line=draw(st.sampled_from(["", SALES])),
                started_at=at,
                answered_at=at + rings if outcome is Outcome.ANSWERED and not settled else 0,
                ended_at=at + rings + talks if outcome is not None else 0,
                talk_seconds=talks if outcome is Outcome.ANSWERED else 0,
                unreported=draw(st.booleans()) if outcome in MISSED_OUTCOMES else False,
            )
        )
    return made


@given(_rows(), st.sampled_from([0, 600, 6000]))
def test_against_a_slow_recount(rows: list[Row], more: int) -> None:
    as_of = END + more
    later = [call for call in rows if call.started_at >= END]
    calls = [call for call in rows if call.started_at < END]
    found = figures(calls, lambda _: [*calls, *later], PERIOD, MADRID, name_of, as_of)
    slow = recount(calls, later, as_of)
    for name in ("waiting", "reps", "lines"):
        slow.pop(name)
    assert {name: getattr(found, name) for name in slow} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in slow.items()
    }
    slow = recount(calls, later, as_of)
    assert {caller.number: (caller.missed, caller.since) for caller in found.waiting} == slow["waiting"]
    counted = {rep.key: (rep.made, rep.connected, rep.answered) for rep in found.reps}
    assert {key: counted.get(key, (0, 0, 0)) for key in slow["reps"]} == slow["reps"]  # type: ignore[attr-defined]
    assert {line.line: (line.incoming, line.missed, line.outgoing) for line in found.lines} == slow["lines"]
    # Nothing is counted twice, nothing is lost.
    open_in = len(
        [
            call
            for call in calls
            if call.direction == "in" and call.outcome in (None, "pending") and START <= call.started_at < END
        ]
    )
    assert found.incoming == (found.answered_in + found.missed + found.unreported + found.announcements + open_in)
    assert sum(rep.made for rep in found.reps) == sum(line.outgoing for line in found.lines) == found.outgoing
    assert sum(rep.answered for rep in found.reps) == sum(line.answered for line in found.lines) == found.answered_in
    assert sum(rep.talk_seconds for rep in found.reps) == found.talk_seconds
    assert sum(line.talk_seconds for line in found.lines) == found.talk_seconds
    assert sum(rep.owed for rep in found.reps) == len(found.waiting)
    assert sum(rep.returned for rep in found.reps) == found.returned
    # The order of rows does not matter, and the words never fail.
    assert figures(iter(calls[::-1]), lambda _: iter([*later[::-1], *calls]), PERIOD, MADRID, name_of, as_of) == found
    assert words(found).startswith(lines(found).title)


def test_many_rows_take_well_under_a_second() -> None:
    """Processor time, generously: a recount per person or hour would take minutes."""
    calls = [
        (missed if n % 3 else talked)(n * 0.86, f"+1202555{n % 7000:04}", rep=f"U{n % 50}", line=f"line {n % 9}")
        for n in range(100_000)
    ]
    began = time.process_time()
    found = count(*calls)
    assert time.process_time() - began < 3
    assert found.incoming + found.outgoing == 100_000


def test_every_figure_is_defined() -> None:
    assert set(DEFINITIONS) == {field.name for field in fields(Figures)} - {"period", "zone", "as_of"}
    for meaning in DEFINITIONS.values():
        assert meaning[0].isupper()
        assert meaning.endswith(".")


# Words.


@pytest.fixture
def day() -> Figures:
    return count(
        *(talked(40 * 360 + n, THREE, "in", rep=ADA) for n in range(8)),  # 22:00 in Madrid
        missed(40 * 360, ONE, rep=BEN),
        missed(40 * 360 + 60, ONE, rep=BEN),
        missed(54000, TWO),  # 09:00
        talked(54230, TWO, rep=ADA, talk=4000),
        row(60000, None, THREE),
    )


def test_the_whole_text(day: Figures) -> None:
    assert words(day).splitlines() == [
        "Calls from Thursday 19 November 2026 18:00 to Friday 20 November 2026 18:00 (Europe/Madrid)",
        "12 incoming calls: 8 answered, 3 missed (answer rate 72 %).",
        "Median time to answer: 10 s.",
        "1 outgoing call: 1 answered.",
        "Talk time: 1 h 14 min.",
        "2 missed callers, 1 not yet returned.",
        "Median time to call back: 3 min 40 s.",
        "Not yet returned: +1 202-555-0101, missed twice since Thursday 19 November 2026 22:00, rang at Ben.",
        "By person:",
        "Ada: 1 made, 1 connected, 8 answered, talk time 1 h 14 min, 1 called back",
        "Ben: 0 made, 0 connected, 0 answered, talk time 0 s, 1 still to call back",
        "By line:",
        "+1 202-555-0190: 12 incoming, 8 answered, 3 missed, 1 outgoing, talk time 1 h 14 min",
        "By hour:",
        "09:00: 1 incoming, 1 missed, 1 outgoing",
        "10:00: 1 incoming, 0 missed, 0 outgoing",
        "22:00: 10 incoming, 2 missed, 0 outgoing",
        "Busiest hour: 22:00 to 23:00 with 10 incoming (2 missed) and 0 outgoing.",
        "As of Friday 20 November 2026 18:00. 1 call still open.",
    ]


WEEK = Counts(incoming=10, outgoing=4, answered_in=8, missed=2)


def test_one_week_is_no_custom() -> None:
    assert usual([]) is None
    assert usual([WEEK, Counts(), Counts(), Counts()]) is None


def test_what_is_usual_is_the_average_of_the_weeks_that_had_calls() -> None:
    found = usual([WEEK, Counts(), Counts(incoming=5, missed=3, answered_in=1), Counts(outgoing=1)])
    assert found == Usual(weeks=3, incoming=5.0, outgoing=5 / 3, missed=5 / 3, answer_rate=9 / 14)
    nobody_rang = usual([Counts(outgoing=2), Counts(outgoing=3)])
    assert nobody_rang is not None
    assert nobody_rang.answer_rate is None


def test_what_is_usual_stands_below_the_totals(day: Figures) -> None:
    compared = replace(day, usual=usual([WEEK, WEEK, Counts(incoming=99, missed=1, answered_in=98)]))
    said = words(compared).splitlines()
    assert said[5] == (
        "In the same hours of the last 3 weeks, on average: 40 incoming (1.7 missed, answer rate 95 %) "
        "and 2.7 outgoing."
    )
    assert said[:5] + said[6:] == words(day).splitlines()
    quiet = replace(day, usual=usual([Counts(outgoing=2), Counts(outgoing=3)]))
    assert "on average: 0 incoming (0 missed) and 2.5 outgoing." in words(quiet)


def test_the_chart(day: Figures) -> None:
    assert lines(day).chart.splitlines() == [
        "hour     00    06    12    18",
        "incoming ·········▁▁···········█·",
        "missed   ·········▁············▂·",
        "outgoing ·········▁··············",
    ]
    assert not set("▁█·") & set(words(day))  # a screen reader would spell them


def test_the_picture_and_the_words_for_it_say_the_same(day: Figures) -> None:
    drawn = bars(day)
    assert drawn is not None
    assert drawn["zone"] == MADRID
    hours = {hour: tuple(drawn[name][hour] for name in ("incoming", "missed", "outgoing")) for hour in range(24)}
    assert {hour: counts for hour, counts in hours.items() if any(counts)} == {
        9: (1, 1, 1),
        10: (1, 0, 0),
        22: (10, 2, 0),
    }
    assert picture_words(day) == (
        "Bars: calls by hour, Thursday 19 November 2026 18:00 to Friday 20 November 2026 18:00 (Europe/Madrid). "
        "09:00: 1 incoming, 1 missed, 1 outgoing; 10:00: 1 incoming, 0 missed, 0 outgoing; "
        "22:00: 10 incoming, 2 missed, 0 outgoing. Hours that are not named had no calls."
    )
    assert bars(count()) is None


def test_the_words_for_a_picture_are_never_cut(day: Figures) -> None:
    """Slack takes 2,000 characters."""
    many = (9_999_999,) * 24
    longest = "America/Argentina/ComodRivadavia"
    busy = replace(day, incoming_by_hour=many, missed_by_hour=many, outgoing_by_hour=many, zone=longest)
    assert "23:00: 9999999 incoming, 9999999 missed, 9999999 outgoing" in picture_words(busy)
    assert len(picture_words(busy)) <= 2000


def test_masked_numbers(day: Figures) -> None:
    assert "••••••••••01, missed twice" in words(day, mask=True)
    assert "555-0101" not in words(day, mask=True)
    assert "555-0101" not in "".join(lines(day, mask=True).missed)


def test_who_is_not_shown_is_not_put_into_words(day: Figures) -> None:
    """Of a busy week thousands may wait."""
    waiting = (*day.waiting[:1] * SHOWN, *(replace(day.waiting[0], rep="would not be found") for _ in range(5000)))
    assert lines(replace(day, waiting=waiting)).missed[-1] == "and 5000 more"


def test_long_lists_are_cut() -> None:
    found = count(*(missed(n, f"+1202555{n:04}") for n in range(SHOWN + 7)))
    assert lines(found).missed[-1] == "and 7 more"
    assert len(lines(found).missed) == 1 + SHOWN + 1
    assert len(found.waiting) == SHOWN + 7


def test_one_missed_call_is_never_rounded_away() -> None:
    found = count(missed(0), *(talked(n, TWO, "in") for n in range(999)))
    assert "(answer rate 99 %)" in words(found)
    assert "(answer rate 100 %)" in words(count(talked(0, direction="in")))
    assert "(answer rate 29 %)" in words(
        count(*(missed(n) for n in range(71)), *(talked(n, TWO, "in") for n in range(29)))
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (250, "4 min 10 s"),
        (3599, "59 min 59 s"),
        (3900, "1 h 05 min"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_week_adds_up_the_same_hour_of_all_days() -> None:
    week = Period("2026-W47", START, START + timedelta(days=7).total_seconds(), 0)
    found = count(*(missed(n * 86400 + 60) for n in range(7)), period=week)
    assert found.incoming_by_hour[18] == 7
