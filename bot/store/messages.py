"""Voice messages that are to be sent: batches, and the queue of their recipients.

A recipient is `waiting` until `due_at`, then `sent` (its call tells the rest), `refused` (with the reason) or
`stopped`.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from bot.call import Call
from bot.store import cards, opt_outs

CARD = "voicemsg"
"""Kind of the card of a batch; its subject is the batch's id."""


@dataclass(frozen=True)
class Batch:
    """What is sent, by whom, through which account.

    Attributes:
        by: Slack user id.  place: where its card is.  body: what is said, as JSON (`Said` of `bot/cards/said.py`).
        state: "draft" (shown, not confirmed), "asked" (confirmed, a second manager has not said yes), "running",
            "paused", "stopped", "dropped" (a draft that nobody wanted, or that was not approved).
        send_at: not before; seconds since 1970 UTC.  ended_by: who stopped or dropped it.
        reported: its results were attached, or need not be.
    """

    id: str
    by: str
    place: str
    account: str
    state: str
    send_at: float
    created_at: float
    ended_by: str
    reported: int
    body: bytes


@dataclass(frozen=True)
class Recipient:
    """One number of a batch.

    Attributes:
        due_at: not before; seconds since 1970 UTC.  call_id: of the call that it became, "" = none.
        words: why it was refused.  tries: how often the provider was not reached.
    """

    batch_id: str
    position: int
    number: str
    name: str
    state: str
    due_at: float
    call_id: str = ""
    words: str = ""
    tries: int = 0


_BATCH = ", ".join(Batch.__dataclass_fields__)
_RECIPIENT = ", ".join(Recipient.__dataclass_fields__)
_read_call = msgspec.json.Decoder(Call)
_BUSY = "('requested', 'ringing', 'connecting', 'talking')"
_SENDS = "EXISTS (SELECT 1 FROM message_batches WHERE id = batch_id AND state = 'running')"
"""Of a recipient: nobody has paused or stopped their batch meanwhile."""


def write(db: sqlite3.Connection, batch: Batch, recipients: list[Recipient], now: float) -> None:
    """Write a batch down and show it."""
    marks = ", ".join("?" * len(Batch.__dataclass_fields__))
    values = tuple(getattr(batch, name) for name in Batch.__dataclass_fields__)
    db.execute(f"INSERT INTO message_batches ({_BATCH}) VALUES ({marks})", values)
    marks = ", ".join("?" * len(Recipient.__dataclass_fields__))
    db.executemany(
        f"INSERT INTO message_recipients ({_RECIPIENT}) VALUES ({marks})",
        [tuple(getattr(recipient, name) for name in Recipient.__dataclass_fields__) for recipient in recipients],
    )
    cards.mark(db, CARD, batch.id, batch.place, now)


def get(db: sqlite3.Connection, batch_id: str) -> Batch | None:
    """One batch."""
    row = db.execute(f"SELECT {_BATCH} FROM message_batches WHERE id = ?", (batch_id,)).fetchone()
    return Batch(*row) if row else None


def results(db: sqlite3.Connection, batch_id: str) -> list[tuple[Recipient, Call | None]]:
    """All recipients of a batch in its order, each with the call that it became."""
    columns = ", ".join(f"r.{name}" for name in Recipient.__dataclass_fields__)
    rows = db.execute(
        f"SELECT {columns}, c.body FROM message_recipients r LEFT JOIN calls c ON c.id = r.call_id"
        " WHERE r.batch_id = ? ORDER BY r.position",
        (batch_id,),
    )
    return [(Recipient(*row[:-1]), _read_call.decode(row[-1]) if row[-1] else None) for row in rows]


def waiting(db: sqlite3.Connection, by: str = "") -> list[tuple[Batch, int, Recipient]]:
    """(batch, how many wait, who of them is due first) of batches under way, of one person or all; the next due first.

    Those that are paused are among them.

    Of each group SQLite tells the row that has the least due_at: https://www.sqlite.org/lang_select.html#bareagg
    """
    columns = [f"b.{name}" for name in Batch.__dataclass_fields__]
    first = ["min(r.due_at)" if name == "due_at" else f"r.{name}" for name in Recipient.__dataclass_fields__]
    rows = db.execute(
        f"SELECT count(*), {', '.join(columns + first)} FROM message_recipients r JOIN message_batches b"
        " ON b.id = r.batch_id WHERE r.state = 'waiting' AND b.state IN ('running', 'paused')"
        " AND (b.by = ? OR ? = '')"
        " GROUP BY b.id ORDER BY min(r.due_at)",
        (by, by),
    )
    end = 1 + len(columns)
    return [(Batch(*row[1:end]), row[0], Recipient(*row[end:])) for row in rows]


def move(db: sqlite3.Connection, batch_id: str, before: str, after: str) -> bool:
    """It is confirmed, approved, paused or resumed. False: it is not in the state `before` (any more)."""
    moved = db.execute("UPDATE message_batches SET state = ? WHERE id = ? AND state = ?", (after, batch_id, before))
    cards.touch(db, batch_id, CARD)
    return moved.rowcount == 1


def asked(db: sqlite3.Connection) -> list[tuple[Batch, int]]:
    """(batch, how many wait) of those that a second manager has to approve, the oldest first."""
    rows = db.execute(f"SELECT {_BATCH} FROM message_batches WHERE state = 'asked' ORDER BY created_at").fetchall()
    return [(batch := Batch(*row), unsent(db, batch.id)) for row in rows]


def unsent(db: sqlite3.Connection, batch_id: str) -> int:
    """How many of a batch wait to be called."""
    row = db.execute(
        "SELECT count(*) FROM message_recipients WHERE batch_id = ? AND state = 'waiting'", (batch_id,)
    ).fetchone()
    return int(row[0])


def end(db: sqlite3.Connection, batch_id: str, by: str) -> int:
    """Send to nobody more. Returns how many had been waiting; a call that runs goes on."""
    db.execute(
        "UPDATE message_batches SET state = CASE WHEN state IN ('running', 'paused') THEN 'stopped' ELSE 'dropped' END,"
        " ended_by = ? WHERE id = ? AND state IN ('draft', 'asked', 'running', 'paused')",
        (by, batch_id),
    )
    stopped = db.execute(
        "UPDATE message_recipients SET state = 'stopped' WHERE batch_id = ? AND state = 'waiting'", (batch_id,)
    )
    cards.touch(db, batch_id, CARD)
    return stopped.rowcount


def next_due(db: sqlite3.Connection, account: str, now: float) -> tuple[Batch, Recipient] | None:
    """The recipient of an account whose turn it is."""
    columns = ", ".join(f"r.{name}" for name in Recipient.__dataclass_fields__)
    row = db.execute(
        f"SELECT {columns} FROM message_recipients r JOIN message_batches b ON b.id = r.batch_id"
        " WHERE r.state = 'waiting' AND r.due_at <= ? AND b.state = 'running' AND b.account = ?"
        " ORDER BY r.due_at, b.created_at, r.position LIMIT 1",
        (now, account),
    ).fetchone()
    if row is None:
        return None
    recipient = Recipient(*row)
    batch = get(db, recipient.batch_id)
    assert batch is not None
    return batch, recipient


def lost(db: sqlite3.Connection, accounts: Collection[str], now: float) -> list[tuple[Recipient, str]]:
    """(recipient, account) of those whose turn it is, though their account is none of these any more."""
    columns = ", ".join(f"r.{name}" for name in Recipient.__dataclass_fields__)
    rows = db.execute(
        f"SELECT {columns}, b.account FROM message_recipients r JOIN message_batches b ON b.id = r.batch_id"
        " WHERE r.state = 'waiting' AND r.due_at <= ? AND b.state = 'running'"
        f" AND b.account NOT IN ({', '.join('?' * len(accounts))})",
        (now, *accounts),
    )
    return [(Recipient(*row[:-1]), row[-1]) for row in rows]


def running(db: sqlite3.Connection, account: str) -> int:
    """How many messages are being sent or played through an account."""
    row = db.execute(
        f"SELECT count(*) FROM calls WHERE state <> 'ended' AND state IN {_BUSY} AND purpose = 'message'"
        " AND account = ?",
        (account,),
    ).fetchone()
    return int(row[0])


def take(db: sqlite3.Connection, recipient: Recipient, call_id: str) -> bool:
    """This recipient becomes that call. False: somebody was faster, or the batch was stopped."""
    taken = db.execute(
        "UPDATE message_recipients SET state = 'sent', call_id = ? WHERE batch_id = ? AND position = ?"
        f" AND state = 'waiting' AND {_SENDS}",
        (call_id, recipient.batch_id, recipient.position),
    )
    return taken.rowcount == 1


def defer(db: sqlite3.Connection, recipient: Recipient, due_at: float) -> None:
    """Its hour has not come. Nothing, where the batch was paused meanwhile."""
    _change(db, recipient, "due_at = ?", due_at)


def refuse(db: sqlite3.Connection, recipient: Recipient, words: str) -> None:
    """It will not be sent. Nothing, where the batch was paused meanwhile: it is asked again when that goes on."""
    _change(db, recipient, "state = 'refused', words = ?", words)


def _change(db: sqlite3.Connection, recipient: Recipient, change: str, value: float | str) -> None:
    db.execute(
        f"UPDATE message_recipients SET {change} WHERE batch_id = ? AND position = ?"
        f" AND state = 'waiting' AND {_SENDS}",
        (value, recipient.batch_id, recipient.position),
    )
    cards.touch(db, recipient.batch_id, CARD)


def put_back(db: sqlite3.Connection, call_id: str, due_at: float) -> bool:
    """Nothing of that call ever left for the provider: its recipient waits again. False: it is none of ours."""
    row = db.execute(
        "UPDATE message_recipients SET state = 'waiting', due_at = ?, call_id = '', tries = tries + 1"
        " WHERE call_id = ? AND call_id <> '' AND state = 'sent' RETURNING batch_id",
        (due_at, call_id),
    ).fetchone()
    if row is None:
        return False
    # A batch that was stopped meanwhile sends nothing more.
    db.execute(
        "UPDATE message_recipients SET state = 'stopped' WHERE batch_id = ? AND state = 'waiting'"
        " AND NOT EXISTS (SELECT 1 FROM message_batches WHERE id = batch_id AND state IN ('running', 'paused'))",
        (row[0],),
    )
    cards.touch(db, row[0], CARD)
    return True


def of_call(db: sqlite3.Connection, call_id: str) -> str:
    """Id of the batch that a call belongs to, "" = none."""
    row = db.execute(
        "SELECT batch_id FROM message_recipients WHERE call_id = ? AND call_id <> ''", (call_id,)
    ).fetchone()
    return str(row[0]) if row else ""


def show(db: sqlite3.Connection, call_id: str) -> None:
    """Show the batch of a call again, if it is one of ours."""
    if batch_id := of_call(db, call_id):
        cards.touch(db, batch_id, CARD)


def finished(db: sqlite3.Connection) -> list[Batch]:
    """Batches of which nobody waits and no call runs, whose results were not attached yet."""
    rows = db.execute(
        f"SELECT {_BATCH} FROM message_batches WHERE NOT reported AND state IN ('running', 'stopped')"
        " AND NOT EXISTS (SELECT 1 FROM message_recipients r LEFT JOIN calls c ON c.id = r.call_id"
        f" WHERE r.batch_id = message_batches.id AND (r.state = 'waiting' OR c.state IN {_BUSY}))"
        " ORDER BY created_at"
    )
    return [Batch(*row) for row in rows]


def over(db: sqlite3.Connection, batch_id: str) -> bool:
    """Whether nobody of a batch waits and no call of it runs; an unclear one does not count as running."""
    row = db.execute(
        "SELECT 1 FROM message_recipients r LEFT JOIN calls c ON c.id = r.call_id"
        f" WHERE r.batch_id = ? AND (r.state = 'waiting' OR c.state IN {_BUSY}) LIMIT 1",
        (batch_id,),
    ).fetchone()
    return row is None


def report(db: sqlite3.Connection, batch_id: str) -> bool:
    """Take the one chance to attach the results by ourselves. False: it was taken before."""
    return (
        db.execute("UPDATE message_batches SET reported = 1 WHERE id = ? AND NOT reported", (batch_id,)).rowcount == 1
    )


def heed(db: sqlite3.Connection, call: Call, reason: str, now: float) -> None:
    """Whoever says so during a voice message is called no more, from the transaction on that knows of it.

    `reason`: how they have said it, "" = they have not.
    """
    if reason:
        opt_outs.opt_out(db, call.number, f"{reason} in a voice message", "", now, call.id)
