"""Calls on their way into campaigns: batches (a file, or one call by hand) and their rows.

A row is "sending" from before the phone service is asked until its answer is on disk, and is never taken twice.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from bot.bulk import Row
from bot.orders import CampaignCall
from bot.store import cards

BatchState = Literal["reading", "preview", "asked", "adding", "paused", "done", "dropped"]
"""preview: read, nobody said yes.  asked: a second manager has to.  The others speak for themselves."""

CARD = "batch"
"""Kind of the card that shows a batch."""
REFUSED = ("invalid", "duplicate", "dnc", "forbidden", "rejected", "unclear")
"""States of rows that end up in the CSV of what was not added."""

ANOTHER = "Somebody else adds the same number at this moment"
"""Why a row is left out that another batch of the same campaign has, too."""

_read_rows = msgspec.json.Decoder(list[Row])
_read_call = msgspec.json.Decoder(CampaignCall)


@dataclass(frozen=True)
class Batch:
    """Calls that somebody adds to a campaign at once.

    Attributes:
        campaign: key of the campaign (`bot.campaigns.key`).  name: the campaign's, when it was chosen.
        source: name of the file, "" = one call by hand.  by: Slack user id.  at: seconds since 1970 UTC.
        words: why it is paused.  notes: how the file was read.  report: "", "due" or "sent".
    """

    id: str
    account: str
    campaign: str
    name: str
    source: str
    by: str
    at: float
    state: BatchState
    words: str = ""
    notes: str = ""
    report: str = ""


_BATCH = ", ".join(Batch.__dataclass_fields__)


def get(db: sqlite3.Connection, batch: str) -> Batch | None:
    """A batch by its id."""
    row = db.execute(f"SELECT {_BATCH} FROM batches WHERE id = ?", (batch,)).fetchone()
    return Batch(*row) if row else None


def create(db: sqlite3.Connection, new: Batch) -> bool:
    """Write a batch down. False: it is on record already."""
    cursor = db.execute(
        f"INSERT INTO batches ({_BATCH}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        tuple(getattr(new, name) for name in Batch.__dataclass_fields__),
    )
    return cursor.rowcount == 1


def add_rows(db: sqlite3.Connection, batch: str, piece: bytes) -> None:
    """Add rows. `piece`: JSON list of `bulk.Row`."""
    db.executemany(
        "INSERT INTO batch_rows (batch, line, number, typed, state, why, hours, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(batch, row.line, row.call.number if row.call else "", row.typed, row.state, row.why, row.hours),
                msgspec.json.encode(row.call) if row.call and row.state == "ready" else None,
            )
            for row in _read_rows.decode(piece)
        ),
    )


def forget(db: sqlite3.Connection, batch: str) -> None:
    """A batch that came to nothing before anybody saw it."""
    db.execute("DELETE FROM batch_rows WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE id = ?", (batch,))


def move(
    db: sqlite3.Connection,
    batch: str,
    before: Sequence[BatchState],
    after: BatchState,
    now: float,
    *,
    words: str = "",
    notes: str | None = None,
) -> bool:
    """Change the state of a batch that is in one of the states `before`, and show it. False: it is in another."""
    marks = ", ".join("?" * len(before))
    cursor = db.execute(
        f"UPDATE batches SET state = ?, words = ?, notes = coalesce(?, notes) WHERE id = ? AND state IN ({marks})",
        (after, words, notes, batch, *before),
    )
    if cursor.rowcount:
        show(db, batch, now)
    return cursor.rowcount == 1


def show(db: sqlite3.Connection, batch: str, now: float) -> None:
    """Mark the card of a file; a call by hand has none."""
    found = get(db, batch)
    if found is not None and found.source:
        cards.mark(db, CARD, batch, f"@{found.by}", now)


def take(db: sqlite3.Connection, batch: str, size: int, reason: str) -> list[tuple[int, CampaignCall]]:
    """The next rows to be sent, at most `size`, as (line, call): from now on they are never taken again.

    Numbers that are on the do-not-call list by now are left out and get `reason`. [] = there is no more to send, or the
    batch is not being added (any more).
    """
    taken: list[tuple[int, CampaignCall]] = []
    for other in _beside(db, batch):
        _leave_to(db, other, [line for line, _ in sending(db, other)], batch)
    while not taken:
        rows = db.execute(
            "SELECT line, body, EXISTS (SELECT 1 FROM do_not_call WHERE do_not_call.number = batch_rows.number)"
            " FROM batch_rows WHERE batch = ? AND state = 'ready'"
            " AND EXISTS (SELECT 1 FROM batches WHERE id = ? AND state = 'adding') ORDER BY line LIMIT ?",
            (batch, batch, size),
        ).fetchall()
        if not rows:
            break
        listed = [(batch, row[0]) for row in rows if row[2]]
        taken = [(row[0], _read_call.decode(row[1])) for row in rows if not row[2]]
        db.executemany(
            "UPDATE batch_rows SET state = 'dnc', why = ? WHERE batch = ? AND line = ?",
            ((reason, *key) for key in listed),
        )
        db.executemany(
            "UPDATE batch_rows SET state = 'sending' WHERE batch = ? AND line = ?",
            ((batch, line) for line, _ in taken),
        )
    for other in _beside(db, batch):
        _leave_to(db, batch, [line for line, _ in taken], other)
    return taken


def _beside(db: sqlite3.Connection, batch: str) -> list[str]:
    """Other batches that go into the same campaign right now.

    Each has looked once what waits there, before it began: what another adds since then it cannot have seen.
    """
    rows = db.execute(
        "SELECT other.id FROM batches other JOIN batches mine ON mine.id = ? WHERE other.id <> mine.id"
        " AND other.account = mine.account AND other.campaign = mine.campaign AND other.state = 'adding'",
        (batch,),
    )
    return [row[0] for row in rows]


def _leave_to(db: sqlite3.Connection, batch: str, lines: Sequence[int], other: str) -> None:
    """The numbers of these rows are this batch's: the other leaves them out."""
    db.executemany(
        # The pluses keep SQLite from reading all rows of the other for each number.
        "UPDATE batch_rows SET state = 'duplicate', why = ? WHERE +batch = ? AND +state = 'ready'"
        " AND number = (SELECT number FROM batch_rows WHERE batch = ? AND line = ?)",
        ((ANOTHER, other, batch, line) for line in lines),
    )


def ready_among(db: sqlite3.Connection, batch: str, waiting: frozenset[str]) -> list[int]:
    """Lines of rows that wait to be sent and whose number is one of these."""
    rows = db.execute("SELECT line, number FROM batch_rows WHERE batch = ? AND state = 'ready'", (batch,))
    return [row[0] for row in rows if row[1] in waiting]


def leave_out(db: sqlite3.Connection, batch: str, lines: Iterable[int], why: str) -> None:
    """These rows are not to be sent: somebody else has added their numbers meanwhile."""
    db.executemany(
        "UPDATE batch_rows SET state = 'duplicate', why = ? WHERE batch = ? AND line = ? AND state = 'ready'",
        ((why, batch, line) for line in lines),
    )


def settle(db: sqlite3.Connection, batch: str, results: Sequence[tuple[int, str, str]], now: float) -> None:
    """What became of rows that were sent: (line, state, why)."""
    db.executemany(
        "UPDATE batch_rows SET state = ?, why = ? WHERE batch = ? AND line = ?",
        ((state, why, batch, line) for line, state, why in results),
    )
    for other in _beside(db, batch):
        _leave_to(db, batch, [line for line, state, _ in results if state in ("added", "unclear")], other)
    show(db, batch, now)


def sending(db: sqlite3.Connection, batch: str) -> list[tuple[int, str]]:
    """(line, number) of rows whose answer has not been written down."""
    rows = db.execute(
        "SELECT line, number FROM batch_rows WHERE batch = ? AND state = 'sending' ORDER BY line", (batch,)
    )
    return [(row[0], row[1]) for row in rows]


def give_up(db: sqlite3.Connection, batch: str, why: str) -> None:
    """Nobody will look up any more what became of rows that were sent."""
    db.execute("UPDATE batch_rows SET state = 'unclear', why = ? WHERE batch = ? AND state = 'sending'", (why, batch))


def counts(db: sqlite3.Connection, batch: str) -> dict[str, int]:
    """State of rows -> how many."""
    rows = db.execute("SELECT state, count(*) FROM batch_rows WHERE batch = ? GROUP BY state", (batch,))
    return {row[0]: row[1] for row in rows}


def hours(db: sqlite3.Connection, batch: str) -> dict[str, int]:
    """Of rows that wait to be added: within calling hours ("open", "closed", "unknown") -> how many."""
    rows = db.execute(
        "SELECT hours, count(*) FROM batch_rows WHERE batch = ? AND state = 'ready' GROUP BY hours", (batch,)
    )
    return {row[0]: row[1] for row in rows}


def some(db: sqlite3.Connection, batch: str, state: str, limit: int) -> list[tuple[int, str, str, CampaignCall | None]]:
    """The first rows in a state: (line, as typed, why, the call of one that is ready)."""
    rows = db.execute(
        "SELECT line, typed, why, body FROM batch_rows WHERE batch = ? AND state = ? ORDER BY line LIMIT ?",
        (batch, state, limit),
    )
    return [(row[0], row[1], row[2], _read_call.decode(row[3]) if row[3] else None) for row in rows]


def refused(db: sqlite3.Connection, batch: str) -> list[tuple[int, str, str, str]]:
    """(line, as typed, state, why) of every row that was not added."""
    marks = ", ".join("?" * len(REFUSED))
    rows = db.execute(
        f"SELECT line, typed, state, why FROM batch_rows WHERE batch = ? AND state IN ({marks}) ORDER BY line",
        (batch, *REFUSED),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def unfinished(db: sqlite3.Connection) -> list[Batch]:
    """What a crash may have left behind."""
    rows = db.execute(f"SELECT {_BATCH} FROM batches WHERE state IN ('reading', 'adding')")
    return [Batch(*row) for row in rows]


def open_lists(db: sqlite3.Connection) -> list[Batch]:
    """Files that wait for approval, are being added, or are paused."""
    states = "('preview', 'asked', 'adding', 'paused')"
    rows = db.execute(f"SELECT {_BATCH} FROM batches WHERE state IN {states} AND source <> '' ORDER BY at")
    return [Batch(*row) for row in rows]


def number_of(db: sqlite3.Connection, batch: str) -> str:
    """The number of a call by hand, E.164."""
    row = db.execute("SELECT number FROM batch_rows WHERE batch = ? AND line = 1", (batch,)).fetchone()
    return str(row[0]) if row else ""


def added_to(db: sqlite3.Connection, number: str) -> list[str]:
    """Names of the campaigns that a number was added to here, or may have been, by name."""
    rows = db.execute(
        "SELECT DISTINCT batches.name FROM batch_rows JOIN batches ON batches.id = batch_rows.batch"
        " WHERE batch_rows.number = ? AND batch_rows.state IN ('added', 'unclear') ORDER BY batches.name",
        (number,),
    )
    return [row[0] for row in rows]


def want_report(db: sqlite3.Connection, batch: str) -> None:
    """The CSV of what was not added is to be sent."""
    db.execute("UPDATE batches SET report = 'due' WHERE id = ?", (batch,))


def reports_due(db: sqlite3.Connection) -> list[Batch]:
    """Batches whose CSV is to be sent."""
    return [Batch(*row) for row in db.execute(f"SELECT {_BATCH} FROM batches WHERE report = 'due'")]


def take_report(db: sqlite3.Connection, batch: str) -> bool:
    """Take the one chance to send it by itself. False: it was taken before."""
    return db.execute("UPDATE batches SET report = 'sent' WHERE id = ? AND report = 'due'", (batch,)).rowcount == 1


def results(db: sqlite3.Connection, account: str, campaign: str) -> tuple[int, Mapping[str, tuple[int, int]]]:
    """What came of a campaign's calls that were added here: (numbers added, outcome -> (numbers, seconds talked)).

    Of each number the latest call since it was added counts; "" = it was not called yet, as far as Callboard knows.
    """
    rows = db.execute(
        "WITH added AS (SELECT r.number AS number, min(b.at) AS at FROM batches b JOIN batch_rows r ON r.batch = b.id"
        " AND r.state = 'added' WHERE b.account = ? AND b.campaign = ? GROUP BY r.number)"
        " SELECT coalesce(latest.outcome, CASE WHEN latest.id IS NULL THEN '' ELSE 'pending' END), count(*),"
        " coalesce(sum(latest.talk_seconds), 0) FROM added LEFT JOIN calls latest ON latest.id ="
        " (SELECT c.id FROM calls c WHERE c.number = added.number AND c.started_at >= added.at AND c.account = ?"
        " AND c.direction = 'out' ORDER BY c.started_at DESC LIMIT 1) GROUP BY 1",
        (account, campaign, account),
    ).fetchall()
    return sum(row[1] for row in rows), {row[0]: (row[1], row[2]) for row in rows}


def with_number(db: sqlite3.Connection, account: str, number: str) -> list[tuple[str, str]]:
    """(campaign, its name) of those of the account that a number was added to here, or may have been."""
    rows = db.execute(
        "SELECT DISTINCT batches.campaign, batches.name FROM batch_rows JOIN batches ON batches.id = batch_rows.batch"
        " WHERE batch_rows.number = ? AND batch_rows.state IN ('added', 'unclear') AND batches.account = ?",
        (number, account),
    )
    return [(row[0], row[1]) for row in rows]


def abandoned(db: sqlite3.Connection, account: str, campaign: str, since: float) -> tuple[int, int]:
    """Of the calls since then that a campaign made to numbers added here: (how many were picked up and met nobody, how
    many were picked up in all). What was placed through Callboard was not made by it."""
    row = db.execute(
        "WITH added AS (SELECT r.number AS number, min(b.at) AS at FROM batches b JOIN batch_rows r ON r.batch = b.id"
        " AND r.state IN ('added', 'unclear') WHERE b.account = ? AND b.campaign = ? GROUP BY r.number)"
        " SELECT count(CASE WHEN c.outcome = 'abandoned' THEN 1 END), count(*) FROM added"
        " CROSS JOIN calls c ON c.number = added.number AND c.started_at >= max(added.at, ?) AND c.account = ?"
        " AND c.direction = 'out' AND c.outcome IN ('answered', 'abandoned')"
        " AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.call_id = c.id)",
        (account, campaign, since, account),
    ).fetchone()
    return int(row[0]), int(row[1])
