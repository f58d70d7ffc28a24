"""Missed callers of invented days, against a slow recount of the same calls."""

import random
import sqlite3
from pathlib import Path

import msgspec

from bot import digest
from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
    Settled,
    Unclear,
)
from bot.periods import Period
from bot.store import calls, cards, figures, missed
from tests.empty_store import connected
from tests.missed_store import CALLER, CLAIMED, FAX, NOW, OTHER, Routes, all_rows, returns, told_as_it_is

KINDS = ("missed", "missed by its record", "talked", "answered after all", "unanswered after all", "out", "by word")


def invented(choose: random.Random, ref: str) -> list[tuple[str, list[AnyEvent]]]:
    """A call as it is told bit by bit: (our id, "" = the service tells; what is told)."""
    at = NOW + choose.choice([0, 10, 50, 100, 100.4, 500])
    number, line = choose.choice([CALLER, OTHER, ""]), choose.choice(["", "+12025550101", FAX])
    kind, rings = choose.choice(KINDS), choose.choice([2, 10, 30])
    talked, other = choose.choice([5, 60]), choose.choice([Outcome.BUSY, Outcome.VOICEMAIL, Outcome.NO_ANSWER])

    def cdr(outcome: Outcome, leg: str = "ext:201", shift: float = 0) -> AnyEvent:
        talk = talked if outcome is Outcome.ANSWERED else 0
        return CdrReceived(ref=ref, at=at + shift, leg=leg, outcome=outcome, ring_seconds=rings, talk_seconds=talk)

    told = Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=line)
    end: AnyEvent = CallEnded(ref=ref, at=at + rings)
    picked_up: AnyEvent = LegAnswered(ref=ref, at=at + rings, leg="ext:201")
    out = msgspec.structs.replace(told, direction="out", number=number or CALLER, call_id=f"ours-{ref}")
    asked = Requested(at=at, rep="U1", rep_phone="+12025550190", number=out.number)
    said = Settled(at=at + 40, by="U1", outcome=choose.choice([Outcome.ANSWERED, Outcome.NO_ANSWER]))
    ours: list[tuple[str, list[AnyEvent]]] = [
        (out.call_id, [event]) for event in (asked, Unclear(at=at + 5, words="Who knows."), said)
    ]
    rang: list[AnyEvent] = [told, LegRinging(ref=ref, at=at, leg="ext:201")]
    stories: dict[str, list[list[AnyEvent]]] = {
        "missed": [rang, [LegEnded(ref=ref, at=at + rings, leg="ext:201", outcome=other)], [end]],
        "missed by its record": [rang, [end], [cdr(other, shift=choose.choice([-20, -1, 1, 20]))]],
        "talked": [rang, [picked_up], [end], [cdr(Outcome.ANSWERED)]],
        "answered after all": [[told, cdr(Outcome.NO_ANSWER)], [cdr(Outcome.ANSWERED, "ext:202")]],
        "unanswered after all": [[told], [picked_up], [end], [cdr(other)]],
        "out": [[msgspec.structs.replace(out, call_id="")], [cdr(Outcome.ANSWERED, "rep")], [cdr(other, CUSTOMER)]],
        "by word": [[out, cdr(choose.choice([Outcome.ANSWERED, other]), CUSTOMER)]] if choose.random() < 0.5 else [],
    }
    bits = stories[kind]
    if choose.random() < 0.4:
        choose.shuffle(bits)
    return [*(ours if kind == "by word" else []), *(("", bit) for bit in bits)]


def recount(db: sqlite3.Connection) -> set[tuple[str, str, float]]:
    """Who is owed a call, slowly: (number, place, when they tried last; 0 = it is not known who they are)."""
    found = [(calls.get(db, row["id"]), row["place"]) for row in db.execute("SELECT id, place FROM calls").fetchall()]
    every = [(call, place) for call, place in found if call is not None]
    talks = [(call.number, call.answered_at or call.started_at) for call, _ in every if call.conversation]
    owed: dict[tuple[str, str], float] = {}
    for call, place in every:
        talked = any(number == call.number != "" and at > call.started_at for number, at in talks)
        if call.missed and not talked:
            owed[call.number, place] = max(owed.get((call.number, place), 0), call.started_at if call.number else 0)
    return {(*whom, at) for whom, at in owed.items()}


def test_against_a_slow_recount_of_invented_days(tmp_path: Path) -> None:
    for one in range(80):
        choose = random.Random(one)
        connection = connected(tmp_path / f"{one}.sqlite", sqlite3.Connection)
        days = [invented(choose, f"r{number}") for number in range(choose.randint(2, 6))]
        now = NOW + 1000
        while any(days):
            call_id, told = choose.choice([day for day in days if day]).pop(0)
            now += 7
            before, numbers = all_rows(connection), {""}
            connection.execute("UPDATE cards SET dirty = 0")
            for _ in range(choose.choice([1, 1, 1, 2])):
                changes = calls.ingest(connection, "acme", told, now=now, routing=Routes(), call_id=call_id)
                numbers |= {change.call.number for change in changes}
            told_as_it_is(connection, before, numbers)
            for row in missed.waiting(connection):
                if choose.random() < 0.1:
                    missed.claim(connection, row.id, "U1", now, now + CLAIMED)
                if choose.random() < 0.3:
                    cards.mark(connection, "notice", f"{missed.ESCALATED}:{row.id}:{now}", "@U1", now)
        waits = {(row.number, row.place, row.last_at if row.number else 0) for row in missed.waiting(connection)}
        assert waits == recount(connection), one
        period = Period("today", NOW - 100, NOW + 600, now)
        rows = figures.rows(connection, period.start, period.end)
        found = digest.figures(rows, returns(connection, period.start, now), period, "UTC", str, now)
        assert {row.number for row in found.waiting} == {number for number, *_ in waits if number}, one
        connection.close()
