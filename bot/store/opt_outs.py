"""Somebody is to be called no more: the do-not-call list, and what was promised or handed out for them before.

Whatever asks the policy when its turn comes (messages, call lists, rows of a file) needs nothing more. Reminders are
taken back here; and what waits in campaigns, which a phone service dials by itself, is written down to be removed.
"""

import sqlite3

import msgspec

from bot.store import cards, ledger, people

_FACT = "opted out "
"""How the keys of the facts begin that say where a number still waits."""


class Waiting(msgspec.Struct, frozen=True):
    """A number that is to be called no more, and a campaign that it was added to here.

    Attributes:
        campaign: as `campaigns.key()` has it.  name: the campaign's.  at: since when, seconds since 1970 UTC.
    """

    number: str
    account: str
    campaign: str
    name: str
    at: float

    @property
    def key(self) -> str:
        return f"{_FACT}{self.number} {self.account} {self.campaign}"


_read = msgspec.json.Decoder(Waiting)


def opt_out(db: sqlite3.Connection, number: str, reason: str, by: str, now: float, call_id: str = "") -> bool:
    """Onto the list, in the caller's transaction. False: it is there already, with a reason that is not lost.

    `by`: Slack user id, "" = they did so themselves.  `call_id`: in which call.
    """
    if people.do_not_call(db, number):
        return False
    people.block(db, number, reason, by, now)
    ledger.audit(db, now, by, "do-not-call add", number, f"{reason} {call_id}".strip())
    _forget_reminders(db, number)
    rows = db.execute(
        "SELECT DISTINCT batches.account, batches.campaign, batches.name FROM batch_rows"
        " JOIN batches ON batches.id = batch_rows.batch"
        " WHERE batch_rows.number = ? AND batch_rows.state IN ('added', 'sending', 'unclear')",
        (number,),
    ).fetchall()
    for account, campaign, name in rows:
        found = Waiting(number, account, campaign, name, now)
        ledger.remember(db, found.key, msgspec.json.encode(found).decode(), now)
    return True


def opt_in(db: sqlite3.Connection, number: str) -> bool:
    """Off the list again, and whatever waits for it stays where it is. False: it was not on it."""
    for key in ledger.recall_all(db, f"{_FACT}{number} "):
        ledger.forget_fact(db, key)
    return people.unblock(db, number)


def _forget_reminders(db: sqlite3.Connection, number: str) -> None:
    rows = db.execute(
        "SELECT reminders.id, reminders.call_id FROM calls"
        " CROSS JOIN reminders ON reminders.id BETWEEN calls.id || ' ' AND calls.id || '~'"
        " WHERE calls.number = ? AND NOT reminders.done",
        (number,),
    ).fetchall()
    for reminder, call_id in rows:
        db.execute("UPDATE reminders SET done = 1 WHERE id = ?", (reminder,))
        cards.touch(db, call_id, "call")


def waiting(db: sqlite3.Connection) -> list[Waiting]:
    """What is to be removed from campaigns, by account and campaign."""
    found = [_read.decode(value) for value in ledger.recall_all(db, _FACT).values()]
    return sorted(found, key=lambda one: (one.account, one.campaign, one.at))


def removed(db: sqlite3.Connection, found: Waiting) -> None:
    """It waits there no more, or nobody can do anything about it."""
    ledger.forget_fact(db, found.key)
