"""A calling list's contacts in their turn: whose is shown to which rep, and what became of it.

A row is `ready` (from `due_at` on), `offered` to a rep, `calling` from the moment its call is written down, and then
`done`, `skipped`, or `barred` (the policy forbids it by now). A rep holds at most one, offered or calling. Its `offer`
counts how often it was put before somebody anew: what is pressed names it, so that nothing counts twice.
"""

import sqlite3

import msgspec

from bot.call import Call
from bot.store import cards, dials

LIST_CARD = "calllist"
"""Kind of the card of whoever made a list; its subject is the list's id."""
CARD = "offer"
"""Kind of the card of a rep; its subject is `Rep.subject`."""
GRACE_SECONDS = 3600.0
"""So long a contact that was put off waits for whoever put it off; then it is anybody's."""

_read_call = msgspec.json.Decoder(Call)
_HELD = "state IN ('offered', 'calling')"


class Rep(msgspec.Struct, frozen=True):
    """Somebody who calls from a list.

    Attributes:
        paused: by themselves.  shown: how often their card was moved down.
        auto: when they last did something while auto-dial is on, seconds since 1970 UTC; 0 = it is off.
        rest: seconds between its calls.  words: why it went off by itself, "" = it did not.
    """

    list: str
    user: str
    paused: int
    shown: int
    auto: float = 0
    rest: int = 0
    words: str = ""

    @property
    def subject(self) -> str:
        return f"{self.list}:{self.user}:{self.shown}"


class Offer(msgspec.Struct, frozen=True):
    """A contact of a list.

    Attributes:
        number: E.164.  variables: JSON object of the other columns.  rep: Slack user id of whose it is, or was last.
        why: why it was put off or is barred.  call_id: of its latest call, "" = none.
        due_at, changed_at: seconds since 1970 UTC.
    """

    list: str
    line: int
    state: str
    number: str
    name: str
    variables: str
    why: str
    rep: str
    due_at: float
    offer: int
    call_id: str
    changed_at: float


REP = ", ".join(Rep.__struct_fields__)
_OFFER = ", ".join(Offer.__struct_fields__)
_R_REP = ", ".join(f"r.{name}" for name in Rep.__struct_fields__)


def rep(db: sqlite3.Connection, list_id: str, user: str) -> Rep | None:
    """Somebody who calls from that list, None = they do not."""
    row = db.execute(f"SELECT {REP} FROM calling_list_reps WHERE list = ? AND user = ?", (list_id, user)).fetchone()
    return Rep(*row) if row else None


def of(db: sqlite3.Connection, user: str) -> list[Rep]:
    """The lists under way that somebody calls from, the one that began last first."""
    rows = db.execute(
        f"SELECT {_R_REP} FROM calling_list_reps r JOIN calling_lists l ON l.id = r.list"
        " WHERE r.user = ? AND l.state IN ('running', 'paused') ORDER BY l.begun_at DESC",
        (user,),
    )
    return [Rep(*row) for row in rows]


def get(db: sqlite3.Connection, list_id: str, line: int) -> Offer | None:
    """One contact."""
    row = db.execute(f"SELECT {_OFFER} FROM calling_list_rows WHERE list = ? AND line = ?", (list_id, line)).fetchone()
    return Offer(*row) if row else None


def held(db: sqlite3.Connection, list_id: str, user: str) -> Offer | None:
    """What a rep has before them."""
    row = db.execute(
        f"SELECT {_OFFER} FROM calling_list_rows WHERE list = ? AND rep = ? AND {_HELD}", (list_id, user)
    ).fetchone()
    return Offer(*row) if row else None


def candidate(db: sqlite3.Connection, list_id: str, user: str, now: float) -> Offer | None:
    """Whose turn it is: who was put off until now, else the first whom nobody has seen, high priorities first."""
    row = db.execute(
        f"SELECT {_OFFER} FROM calling_list_rows WHERE list = ? AND state = 'ready' AND due_at > 0 AND due_at <= ?"
        " AND (rep IN ('', ?) OR due_at <= ?) ORDER BY due_at LIMIT 1",
        (list_id, now, user, now - GRACE_SECONDS),
    ).fetchone()
    row = (
        row
        or db.execute(
            f"SELECT {_OFFER} FROM calling_list_rows WHERE list = ? AND state = 'ready' AND due_at = 0"
            " ORDER BY rank, line LIMIT 1",
            (list_id,),
        ).fetchone()
    )
    return Offer(*row) if row else None


def offer(db: sqlite3.Connection, row: Offer, user: str, now: float) -> None:
    """Show it to a rep, who holds none."""
    _change(db, row, "state = 'offered', rep = ?", (user,), now)


def put_off(db: sqlite3.Connection, row: Offer, user: str, due_at: float, why: str, now: float) -> None:
    """It comes back then: to that rep first, "" = to anybody."""
    _change(db, row, "state = 'ready', rep = ?, due_at = ?, why = ?", (user, due_at, why), now)


def bring_back(db: sqlite3.Connection, why: str, now: float) -> None:
    """Whoever of an open list was put off for a reason in which these words stand may be called now."""
    db.execute(
        "UPDATE calling_list_rows SET due_at = ? WHERE state = 'ready' AND due_at > ? AND instr(why, ?)"
        " AND list IN (SELECT id FROM calling_lists WHERE state IN ('asked', 'running', 'paused'))",
        (now, now, why),
    )


def settle(db: sqlite3.Connection, row: Offer, state: str, why: str, now: float) -> None:
    """It is over: `done`, `skipped` or `barred`."""
    _change(db, row, "state = ?, why = ?", (state, why), now)


def anew(db: sqlite3.Connection, row: Offer, now: float) -> None:
    """What was pressed came to nothing: it may be pressed again."""
    _change(db, row, "rep = rep", (), now)


def take(db: sqlite3.Connection, row: Offer, call_id: str, now: float) -> bool:
    """It becomes that call. False: it is not before that rep any more, was pressed before, or its list is paused."""
    taken = db.execute(
        "UPDATE calling_list_rows SET state = 'calling', call_id = ?, offer = offer + 1, changed_at = ?"
        f" WHERE list = ? AND line = ? AND offer = ? AND rep = ? AND {_HELD}"
        " AND EXISTS (SELECT 1 FROM calling_lists WHERE id = list AND state = 'running')",
        (call_id, now, row.list, row.line, row.offer, row.rep),
    )
    if taken.rowcount != 1:
        return False
    db.execute("INSERT INTO calling_list_calls (call_id, list, line) VALUES (?, ?, ?)", (call_id, row.list, row.line))
    return True


def _change(db: sqlite3.Connection, row: Offer, change: str, values: tuple[object, ...], now: float) -> None:
    db.execute(
        f"UPDATE calling_list_rows SET {change}, offer = offer + 1, changed_at = ? WHERE list = ? AND line = ?",
        (*values, now, row.list, row.line),
    )


def pause(db: sqlite3.Connection, list_id: str, user: str, paused: int) -> bool:
    """A rep leaves a list for a while, or comes back; auto-dial is off. False: nothing changed."""
    changed = db.execute(
        "UPDATE calling_list_reps SET paused = ?, auto = 0, words = '' WHERE list = ? AND user = ? AND paused <> ?",
        (paused, list_id, user, paused),
    )
    return changed.rowcount == 1


def go_by_itself(db: sqlite3.Connection, list_id: str, user: str, rest: int, now: float) -> bool:
    """Auto-dial is on for a rep, for this list alone: they have one phone. False: they do not call from it."""
    db.execute("UPDATE calling_list_reps SET auto = 0, words = '' WHERE user = ?", (user,))
    on = db.execute(
        "UPDATE calling_list_reps SET auto = ?, rest = ?, paused = 0 WHERE list = ? AND user = ?",
        (now, rest, list_id, user),
    )
    return on.rowcount == 1


def keep_going(db: sqlite3.Connection, list_id: str, user: str, now: float) -> None:
    """A rep has done something: auto-dial stays on if it is, and why it went off is old by now."""
    db.execute(
        "UPDATE calling_list_reps SET auto = CASE WHEN auto > 0 THEN ? ELSE 0 END, words = ''"
        " WHERE list = ? AND user = ?",
        (now, list_id, user),
    )


def go_by_hand(db: sqlite3.Connection, list_id: str, user: str, words: str) -> bool:
    """Auto-dial is off. False: it was."""
    off = db.execute(
        "UPDATE calling_list_reps SET auto = 0, words = ? WHERE list = ? AND user = ? AND auto > 0",
        (words, list_id, user),
    )
    return off.rowcount == 1


def going(db: sqlite3.Connection) -> list[Rep]:
    """Reps of running lists whose auto-dial is on."""
    rows = db.execute(
        f"SELECT {_R_REP} FROM calling_list_reps r CROSS JOIN calling_lists l ON l.id = r.list"
        " WHERE r.auto > 0 AND l.state = 'running'"
    )
    return [Rep(*row) for row in rows]


def is_over(db: sqlite3.Connection, list_id: str) -> bool:
    """Whether nobody is left to be called, and no rep has anybody before them."""
    row = db.execute(
        "SELECT 1 FROM calling_list_rows WHERE list = ? AND state IN ('ready', 'offered', 'calling') LIMIT 1",
        (list_id,),
    ).fetchone()
    return row is None


def left(db: sqlite3.Connection, list_id: str, now: float) -> tuple[int, int, float]:
    """(how many wait, how many of them for a time that has not come, when the first of those is; 0 = none)."""
    row = db.execute(
        "SELECT count(*), count(CASE WHEN due_at > ? THEN 1 END),"
        " coalesce(min(CASE WHEN due_at > ? THEN due_at END), 0)"
        " FROM calling_list_rows WHERE list = ? AND state = 'ready'",
        (now, now, list_id),
    ).fetchone()
    return row[0], row[1], row[2]


def done(db: sqlite3.Connection, list_id: str, user: str) -> tuple[int, int]:
    """(contacts that a rep is done with, how many of them they talked to)."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(c.outcome = 'answered'), 0) FROM calling_list_rows r"
        " LEFT JOIN calls c ON c.id = r.call_id WHERE r.list = ? AND r.state IN ('done', 'skipped') AND r.rep = ?",
        (list_id, user),
    ).fetchone()
    return row[0], row[1]


def by_call(db: sqlite3.Connection, call_id: str) -> Offer | None:
    """The contact that this call was made to from a list."""
    row = db.execute("SELECT list, line FROM calling_list_calls WHERE call_id = ?", (call_id,)).fetchone()
    return get(db, row[0], row[1]) if row else None


def tries(db: sqlite3.Connection, row: Offer) -> int:
    """How often a contact's phone may have rung by calls from its list."""
    found = db.execute(
        "SELECT count(*) FROM calling_list_calls t JOIN calls c ON c.id = t.call_id WHERE t.list = ? AND t.line = ?"
        f" AND {dials.MAY_HAVE_RUNG}",
        (row.list, row.line),
    ).fetchone()
    return int(found[0])


def show_call(db: sqlite3.Connection, call_id: str) -> None:
    """Show again what tells of a call, if it was made from a list."""
    row = by_call(db, call_id)
    if row is None:
        return
    cards.touch(db, row.list, LIST_CARD)
    shown = rep(db, row.list, row.rep)
    if shown is not None and row.call_id == call_id:
        touch(db, shown)


def touch(db: sqlite3.Connection, shown: Rep) -> None:
    """Show a rep's card again, if there is one."""
    cards.touch(db, shown.subject, CARD)


def show(db: sqlite3.Connection, shown: Rep, now: float) -> None:
    """Show a rep's card (again)."""
    cards.mark(db, CARD, shown.subject, f"@{shown.user}", now)


def move_down(db: sqlite3.Connection, shown: Rep, now: float) -> None:
    """Show a rep's card as the last message of their conversation: the old one is taken away by the feed."""
    db.execute("UPDATE calling_list_reps SET shown = shown + 1 WHERE list = ? AND user = ?", (shown.list, shown.user))
    touch(db, shown)
    before = msgspec.structs.replace(shown, shown=shown.shown - 1)
    cards.cancel(db, CARD, before.subject, f"@{shown.user}")
    show(db, msgspec.structs.replace(shown, shown=shown.shown + 1), now)


def idle(db: sqlite3.Connection, now: float) -> list[Rep]:
    """Reps of running lists who have nobody before them, though somebody's turn has come."""
    rows = db.execute(
        f"SELECT {_R_REP} FROM calling_lists l JOIN calling_list_reps r ON r.list = l.id"
        " WHERE l.state = 'running' AND l.state IN ('asked', 'running', 'paused') AND NOT r.paused"
        f" AND NOT EXISTS (SELECT 1 FROM calling_list_rows h WHERE h.list = r.list AND h.rep = r.user AND h.{_HELD})"
        " AND EXISTS (SELECT 1 FROM calling_list_rows w WHERE w.list = r.list AND w.state = 'ready' AND w.due_at <= ?"
        " AND (w.due_at = 0 OR w.rep IN ('', r.user) OR w.due_at <= ?))",
        (now, now - GRACE_SECONDS),
    )
    return [Rep(*row) for row in rows]


def answered(db: sqlite3.Connection) -> list[tuple[Offer, Call]]:
    """Contacts that a rep has before them though their call is over and was answered, each with that call."""
    columns = ", ".join(f"r.{name}" for name in Offer.__struct_fields__)
    rows = db.execute(
        # In this order, for SQLite would rather read all rows of a list: https://www.sqlite.org/optoverview.html#crossjoin
        f"SELECT {columns}, c.body FROM calling_lists l CROSS JOIN calling_list_reps p ON p.list = l.id"
        f" CROSS JOIN calling_list_rows r ON r.list = p.list AND r.rep = p.user AND r.{_HELD} AND r.state = 'calling'"
        " CROSS JOIN calls c ON c.id = r.call_id"
        " WHERE l.state IN ('asked', 'running', 'paused') AND c.state = 'ended' AND c.outcome = 'answered'"
    )
    return [(Offer(*row[:-1]), _read_call.decode(row[-1])) for row in rows]
