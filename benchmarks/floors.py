"""What the same answers cost in the best SQL that we can write by hand, without anything of Callboard around it."""

import csv
import io
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers

from bot.digest import Figures
from bot.events import MISSED_OUTCOMES

_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in sorted(MISSED_OUTCOMES))
MISSED = f"direction = 'in' AND state = 'ended' AND outcome IN ({_OUTCOMES}) AND body ->> 'unreported' IS NULL"
_COUNTED = (
    "started_at >= ? AND started_at < ? AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed'))"
    " AND purpose <> 'message'"
)


@dataclass
class Totals:
    """Of a digest, as far as hand-written SQL finds them."""

    incoming: int
    outgoing: int
    answered_in: int
    answered_out: int
    missed: int
    talk_seconds: int
    median_answer_seconds: float
    waiting: int
    reps: dict[str, tuple[int, int, int]]
    lines: dict[str, tuple[int, int]]
    incoming_by_hour: tuple[int, ...]
    usual: list[int]


def digest(
    db: sqlite3.Connection, start: float, end: float, as_of: float, zone: ZoneInfo, weeks: Sequence[tuple[float, float]]
) -> Totals:
    """One scan that counts, one for the median, one for who still waits."""
    offset = datetime.fromtimestamp(start, zone).utcoffset()
    assert offset is not None  # the zone that is measured changes no clocks
    rows = db.execute(
        "SELECT direction, outcome, rep, line, CAST((started_at + ?) / 3600 AS INTEGER) % 24, count(*),"
        f" sum(talk_seconds) FROM calls WHERE {_COUNTED} GROUP BY 1, 2, 3, 4, 5",
        (offset.total_seconds(), start, end),
    ).fetchall()
    found = Totals(0, 0, 0, 0, 0, 0, 0, 0, {}, {}, (), [])
    hours = [0] * 24
    reps: dict[str, list[int]] = {}
    lines: dict[str, list[int]] = {}
    for direction, outcome, rep, line, hour, count, talk in rows:
        incoming, answered = direction == "in", outcome == "answered"
        found.incoming += incoming * count
        found.outgoing += (not incoming) * count
        found.answered_in += (incoming and answered) * count
        found.answered_out += (not incoming and answered) * count
        found.talk_seconds += talk * answered
        hours[hour] += incoming * count
        person = reps.setdefault(rep, [0, 0, 0])
        person[0] += (not incoming) * count
        person[1] += (incoming and answered) * count
        person[2] += talk * answered
        of_line = lines.setdefault(line, [0, 0])
        of_line[0] += incoming * count
        of_line[1] += (not incoming) * count
    found.incoming_by_hour = tuple(hours)
    found.reps = {rep: (made, answered, talk) for rep, (made, answered, talk) in reps.items()}
    found.lines = {line: (incoming, outgoing) for line, (incoming, outgoing) in lines.items()}
    waited = db.execute(
        f"SELECT answered_at - started_at FROM calls WHERE {_COUNTED} AND direction = 'in' AND outcome = 'answered'"
        " AND answered_at > 0",
        (start, end),
    ).fetchall()
    found.median_answer_seconds = statistics.median(row[0] for row in waited) if waited else 0
    # Of each number its last missed call: nobody has talked with them since.
    missed = db.execute(
        f"SELECT number, max(started_at), count(*) FROM calls WHERE {_COUNTED} AND {MISSED} GROUP BY number",
        (start, end),
    ).fetchall()
    for number, last, count in missed:
        found.missed += count
        talked = db.execute(
            "SELECT 1 FROM calls WHERE number = ? AND started_at BETWEEN ? AND ? AND outcome = 'answered'"
            " AND answered_at BETWEEN ? AND ? LIMIT 1",
            (number, last - 86_400, as_of, last, as_of),
        ).fetchone()
        found.waiting += talked is None
    for since, until in weeks:
        count = "SELECT count(*), sum(outcome = 'answered'), sum(direction = 'in') FROM calls"
        found.usual.append(db.execute(f"{count} WHERE {_COUNTED}", (since, until)).fetchone()[0])
    return found


def check(ours: Figures, plain: Totals) -> None:
    """That both say the same.

    Raises:
        SystemExit: they do not.
    """
    names = ("incoming", "outgoing", "answered_in", "answered_out", "missed", "talk_seconds", "incoming_by_hour")
    pairs = [(name, getattr(ours, name), getattr(plain, name)) for name in names]
    pairs.append(("median", round(ours.median_answer_seconds or 0, 3), round(plain.median_answer_seconds, 3)))
    pairs.append(("waiting", len(ours.waiting), plain.waiting))
    pairs.append(
        ("reps", {rep.key: (rep.made, rep.answered, rep.talk_seconds) for rep in ours.reps},
         {rep: told for rep, told in plain.reps.items() if any(told)})
    )  # fmt: skip
    pairs.append(("lines", {one.line: (one.incoming, one.outgoing) for one in ours.lines}, plain.lines))
    wrong = [f"{name}: {one} and {other}" for name, one, other in pairs if one != other]
    if wrong:
        raise SystemExit(f"The digest and the hand-written SQL differ: {'; '.join(wrong)}")


def calls(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[object]:
    """A page of calls."""
    return db.execute(
        f"SELECT place, body FROM calls WHERE {where} ORDER BY started_at DESC LIMIT 11", values
    ).fetchall()


def waiting(db: sqlite3.Connection) -> list[object]:
    """Who waits, the latest thousand."""
    return db.execute("SELECT * FROM missed WHERE closed_at = 0 ORDER BY opened_at DESC LIMIT 1000").fetchall()


def home(db: sqlite3.Connection, rep: str, since: float) -> object:
    """What App Home is made of."""
    db.execute("SELECT body FROM calls WHERE state <> 'ended'").fetchall()
    db.execute(
        "SELECT count(*), sum(outcome = 'answered'), sum(talk_seconds) FROM calls WHERE rep = ? AND rep <> ''"
        " AND started_at >= ? AND direction = 'out'",
        (rep, since),
    ).fetchone()
    return waiting(db)


def contact(db: sqlite3.Connection, number: str) -> object:
    """One by its number."""
    return db.execute("SELECT number, name, company FROM contacts WHERE number = ?", (number,)).fetchone()


def named(db: sqlite3.Connection, *words: str) -> list[object]:
    """Contacts with these words in their names, as far as SQLite's LIKE knows letters."""
    where = " AND ".join("name LIKE ?" for _ in words)
    return db.execute(
        f"SELECT number, name, company FROM contacts WHERE {where} ORDER BY name", [f"%{word}%" for word in words]
    ).fetchall()


def upload(path: Path, data: bytes) -> int:
    """Numbers of a table read, validated, each once, in one transaction; nothing else is asked of them."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE targets (number TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID")
    found: dict[str, str] = {}
    for row in csv.reader(io.StringIO(data.decode())):
        try:
            number = phonenumbers.parse(row[0], "US")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            found.setdefault(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), row[1])
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO targets VALUES (?, ?)", found.items())
    db.execute("COMMIT")
    db.close()
    return len(found)
