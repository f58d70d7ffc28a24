"""A database of a million calls of ninety days, as ingest writes them, in a minute.

Two days are told to `calls.ingest()` call by call, as they came in; ingest itself would take ten minutes for all. The
other days are copies of their rows, with every moment, every id and the numbers of those who call on these days only
moved on. `compared()` tells some of the copied calls to ingest again and sees that it writes the same rows.
"""

import random
import re
import sqlite3
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.servers import LINES
from bot.events import CUSTOMER, AnyEvent, CallEnded, CdrReceived, Described, LegAnswered, Outcome
from bot.routing import ByLine
from bot.store import Database, calls, cards, missed, people
from bot.store.contacts import INTO
from bot.store.engine import add_functions
from bot.store.people import Person

DAYS, COPIED_DAYS = 90, 2
CALLS_A_DAY = 11_111
REPS, REGULARS = 40, 4000
CONTACTS = 100_000
_COPIES = DAYS // COPIED_DAYS
DAY = 86_400
"""Seconds."""
_STRANGERS = "+1646555"
"""Who calls on these days only: in each copy others, so that nobody of one waits for what happens in another."""
_CODES = (
    *(205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240),
    *(248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 272, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309),
    *(310, 312, 313, 314, 315, 316),
)
_MOVED = re.compile(r"(\b(?:0[0-9a-f]{21}|[0-9a-f]{16}|1[5-9]\d{8}|ref-\d{6}-00)\b|1646555(?=\d{4}\b))")
"""Ids of calls, other ids, moments, a service's ids, numbers of strangers."""
TABLES = ("calls", "events", "call_refs", "cards", "missed", "missed_calls", "recordings")
_OUR_KEYS = {"events": "id", "cards": "id"}
"""Columns that SQLite numbers itself."""


def first_day(now: float) -> float:
    """When the calls begin that are all over now: at a midnight, UTC."""
    return (now // DAY - DAYS) * DAY


def rep(number: int) -> tuple[str, str]:
    """(Slack user id, extension)."""
    return f"U{number % REPS + 1}", f"{200 + number % REPS}"


def regular(number: int) -> str:
    return f"+1202555{1000 + number % REGULARS:04d}"


def told(start: float, seed: int = 1, days: float = COPIED_DAYS) -> list[tuple[float, tuple[AnyEvent, ...]]]:
    """(when it is told, events) of every call of the copied days, in the order in which they come in.

    A regular who was missed is called back, within the days; of the strangers some are.
    """
    chance = random.Random(seed)
    found: list[tuple[float, tuple[AnyEvent, ...]]] = []
    for number in range(int(CALLS_A_DAY * days * 0.95)):
        day, ours = number % COPIED_DAYS, chance.random() < 0.35
        at = start + day * DAY + min(85_000, max(0, chance.gauss(13 * 3600, 2.5 * 3600))) // 1
        strange = chance.random() < 0.4
        # Nobody calls whom a copy knows, too, late on its last day: what waits then would wait for the next copy.
        party = f"{_STRANGERS}{chance.randrange(10_000):04d}" if strange else regular(chance.randrange(REGULARS))
        answered = chance.random() < (0.6 if ours else 0.87)
        if not strange and not ours and at > start + COPIED_DAYS * DAY - 12_000:
            answered = True
        found.append(_one(chance, number, at, party, ours, answered))
        if not (ours or answered) and (not strange or chance.random() < 0.6):
            back = at + 600 + chance.random() * 9000 // 1
            found.append(_one(chance, 500_000 + number, back, party, True, True))
    found.sort(key=lambda one: one[0])
    return found


def _one(
    chance: random.Random, number: int, at: float, party: str, ours: bool, answered: bool
) -> tuple[float, tuple[AnyEvent, ...]]:
    ref = f"ref-{(number * 7_919) % 999_983:06d}-00"
    person = chance.randrange(REPS)
    _, extension = rep(person)
    ring, talk = chance.randrange(2, 40), int(chance.expovariate(1 / 150)) + 5 if answered else 0
    leg = CUSTOMER if ours else f"ext:{extension}"
    outcome = Outcome.ANSWERED if answered else chance.choice((Outcome.NO_ANSWER, Outcome.BUSY, Outcome.CANCELLED))
    events: tuple[AnyEvent, ...] = (
        Described(
            ref=ref, at=at, source=f"cdr:{leg}", direction="out" if ours else "in", number=party,
            line=chance.choice(LINES), extension=extension, person=f"Person {extension}",
        ),
        *((LegAnswered(ref=ref, at=at + ring, leg=leg),) if answered else ()),
        CdrReceived(
            ref=ref, at=at, leg=leg, outcome=outcome, ring_seconds=ring, talk_seconds=talk, price=0.07, currency="USD",
            recording=f"https://recordings.example/{ref}.mp3" if answered and chance.random() < 0.3 else "",
            extension=extension, person=f"Person {extension}",
        ),
        CallEnded(ref=ref, at=at + ring + talk),
    )  # fmt: skip
    return at + ring + talk + 5, events


def build(path: Path, routing: ByLine, now: float) -> int:
    """Make it; returns how many calls are in it. Nobody else may use the file meanwhile."""
    Database(path).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    add_functions(db)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("BEGIN")
    for number in range(REPS):
        user, extension = rep(number)
        people.save_person(db, Person(user, f"Rep {number}", extension=extension))
    start = first_day(now)
    _ingest(db, told(start), routing)
    _settle(db)
    mould = _Mould()
    rows = {name: [mould.row(tuple(row)) for row in db.execute(_select(db, name))] for name in TABLES}
    for copy in range(1, _COPIES):
        parts, seconds = mould.copy(copy), copy * COPIED_DAYS * DAY
        for name in TABLES:
            columns = _columns(db, name)
            db.executemany(
                f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                (_filled(row, parts, seconds) for row in rows[name]),
            )
    strangers = (f"+1{code}555" for code in _CODES)
    db.executemany(
        f"{INTO} VALUES (?1, ?2, ?3, 'U1', 0, all_folded(?2), all_folded(?3)) ON CONFLICT DO NOTHING",
        (
            (number, f"{_FIRST[n * 31 % len(_FIRST)]} {_LAST[n * 17 % len(_LAST)]}{n % 997}", f"Company {n % 5000}")
            for n, number in zip(range(CONTACTS), _numbers(strangers), strict=False)
        ),
    )
    db.execute("COMMIT")
    count = int(db.execute("SELECT count(*) FROM calls").fetchone()[0])
    db.close()
    return count


_FIRST = ("Ada", "Béla", "Chloé", "Dana", "Emil", "Fatma", "Grace", "Hana", "Iris", "José", "Kofi", "Lena", "Noa")
_LAST = ("Green", "Levi", "Müller", "Okafor", "Petrov", "Quinn", "Rossi", "Silva", "Tanaka", "Uçar", "Weiss", "Young")


def _numbers(prefixes: Iterator[str]) -> Iterator[str]:
    yield from (regular(number) for number in range(REGULARS))
    for prefix in prefixes:
        for number in range(10_000):
            yield f"{prefix}{number:04d}"


def _ingest(db: sqlite3.Connection, tellings: list[tuple[float, tuple[AnyEvent, ...]]], routing: ByLine) -> None:
    for at, events in tellings:
        calls.ingest(db, "voicenter", events, now=at, routing=routing)


def _settle(db: sqlite3.Connection) -> None:
    """What happens afterwards: the feed shows the cards, and most who still wait are ticked off by hand."""
    for row in db.execute("SELECT id, place, created_at FROM cards").fetchall():
        card = cards.by_id(db, row["id"])
        assert card is not None
        cards.shown(db, card, row["place"], f"{row['created_at']:.6f}", "f" * 32)
    for number, one in enumerate(missed.waiting(db, 100_000)):
        if number % 6:
            missed.close(db, one.id, now=one.last_at + 7200, by="U2", how="by hand")
    db.execute("UPDATE cards SET dirty = 0, version = version + 1 WHERE dirty")
    db.execute("UPDATE missed SET escalate_at = 0")


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    names = [row["name"] for row in db.execute(f"PRAGMA table_info({table})")]
    return [name for name in names if name != _OUR_KEYS.get(table)]


def _select(db: sqlite3.Connection, table: str) -> str:
    return f"SELECT {', '.join(_columns(db, table))} FROM {table} ORDER BY {'rowid' if table in _OUR_KEYS else '1'}"


class _Mould:
    """Rows in which every moment, id and number of a stranger can be moved on to another copy."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def row(self, values: tuple[object, ...]) -> tuple[list[object], list[tuple[int, str, Any, type]]]:
        """What stays in each copy; and (column, text with gaps, what fills them, type) of what does not."""
        moved: list[tuple[int, str, Any, type]] = []
        for column, value in enumerate(values):
            if isinstance(value, float) and value > 1e9:
                moved.append((column, "", value, float))
            elif isinstance(value, str | bytes) and len(value) > 9:
                parts = _MOVED.split(value if isinstance(value, str) else value.decode())
                if len(parts) > 1:
                    text = "%s".join(part.replace("%", "%%") for part in parts[::2])
                    places = [self.found.setdefault(part, len(self.found)) for part in parts[1::2]]
                    fill = itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))
                    moved.append((column, text, fill, type(value)))
        return list(values), moved

    def copy(self, number: int) -> list[str]:
        """All that was found, as it is in that copy."""
        return [_moved(text, number) for text in self.found]


def _filled(
    row: tuple[list[object], list[tuple[int, str, Any, type]]], parts: list[str], seconds: float
) -> list[object]:
    values, moved = row
    values = values.copy()
    for column, text, fill, kind in moved:
        if kind is float:
            values[column] = fill + seconds
        else:
            whole = text % tuple(fill(parts))
            values[column] = whole if kind is str else whole.encode()
    return values


def _moved(text: str, copy: int) -> str:
    """A moment, an id, or the beginning of a number, in that copy."""
    if text == _STRANGERS[1:]:
        return f"1{_CODES[copy]}555"
    if text.startswith("ref-"):
        return f"{text[:-2]}{copy:02d}"
    days = copy * COPIED_DAYS * DAY
    if len(text) == 10:
        return str(int(text) + days)
    if len(text) == 22:
        return f"{int(text[:14], 16) + days * 256_000:014x}{text[14:]}"
    return f"{(int(text, 16) + copy * 0x9E3779B97F4A7C15) % 2**64:016x}"


def compared(path: Path, routing: ByLine, count: int = 40) -> None:
    """Some strangers of three copies call once more, in a database of their own, by ingest itself.

    Raises:
        SystemExit: what it writes is not what stands in the copies.
    """
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    again = sqlite3.connect(":memory:", isolation_level=None)
    again.row_factory = sqlite3.Row
    add_functions(again)
    for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"):
        again.execute(sql)
    again.executemany("INSERT INTO people (user, extension) VALUES (?, ?)", (rep(number) for number in range(REPS)))
    read = msgspec.json.Decoder(list[AnyEvent])
    for copy in (1, _COPIES // 2, _COPIES - 1):
        chosen = f"+1{_CODES[copy]}555%"
        numbers = [row[0] for row in db.execute(
            "SELECT DISTINCT number FROM calls WHERE number LIKE ? ORDER BY number LIMIT ?", (chosen, count)
        )]  # fmt: skip
        marks = ", ".join("?" * len(numbers))
        for row in db.execute(
            "SELECT events.body, received_at FROM events JOIN calls ON calls.id = call_id"
            f" WHERE number IN ({marks}) ORDER BY events.id", numbers,
        ).fetchall():  # fmt: skip
            calls.ingest(again, "voicenter", read.decode(row["body"]), now=row["received_at"], routing=routing)
        for sql in _COMPARED:
            ours, theirs = ([tuple(row) for row in one.execute(sql.format(marks), numbers)] for one in (db, again))
            if ours != theirs or not ours:
                different = next(
                    (pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]), "their number"
                )
                raise SystemExit(f"The copied rows are not those that ingest writes: {different}\n{sql}")
    db.close()
    again.close()


_COMPARED = (
    # An id is made of a moment and chance.
    "SELECT substr(id, 1, 14), account, direction, state, outcome, rep, number, line, started_at, answered_at,"
    " ended_at, ring_seconds, talk_seconds, place, purpose, replace(CAST(body AS TEXT), id, '') FROM calls"
    " WHERE number IN ({0}) ORDER BY number, started_at, 1",
    "SELECT r.account, r.ref, c.number FROM call_refs r JOIN calls c ON c.id = r.call_id WHERE number IN ({0})"
    " ORDER BY ref",
    "SELECT m.number, m.place, m.line, m.opened_at, m.last_at, m.calls FROM missed m WHERE number IN ({0})"
    " ORDER BY number, opened_at",
    "SELECT number, closed_at, closed_by, closed_how FROM missed WHERE number IN ({0}) AND closed_how NOT IN"
    " ('', 'by hand') ORDER BY number, closed_at",
    "SELECT c.number, d.kind, d.place, d.created_at FROM cards d JOIN calls c ON c.id = d.subject"
    " WHERE number IN ({0}) ORDER BY c.number, d.created_at, d.kind",
    "SELECT c.number, r.recording, r.place, r.state, r.ended_at FROM recordings r JOIN calls c ON c.id = r.call_id"
    " WHERE number IN ({0}) ORDER BY c.number, r.ended_at, r.recording",
)
