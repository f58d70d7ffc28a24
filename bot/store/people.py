"""Who is who: reps and their phones, the do-not-call list."""

import sqlite3
from dataclasses import dataclass, replace

from bot.errors import BadInput
from bot.names import Fit, all_folded, fit_folded, words
from bot.numbers import pretty
from bot.store.contacts import having


@dataclass(frozen=True)
class Person:
    """A Slack user, as far as telephony is concerned.

    Attributes:
        zone: IANA time zone from Slack.  phone_kind: a kind of `RepPhone`, "" = not linked.
        phone: E.164 or the provider's code.  account: where it lives, "" = any.
        extension: the provider's code that webhooks name.  line: default caller ID, E.164 or "".
        home_at: when their App Home was last opened, 0 = never.
        outside: no member of the workspace: a guest, or of another company that shares a channel with it.
    """

    user: str
    name: str = ""
    zone: str = ""
    phone_kind: str = ""
    phone: str = ""
    account: str = ""
    extension: str = ""
    line: str = ""
    home_at: float = 0
    outside: bool = False

    @property
    def linked(self) -> bool:
        return bool(self.phone_kind)


_PERSON = ", ".join(Person.__dataclass_fields__)


def person(db: sqlite3.Connection, user: str) -> Person:
    """A Slack user; one nobody has told us about is `Person(user)`."""
    row = db.execute(f"SELECT {_PERSON} FROM people WHERE user = ?", (user,)).fetchone()
    return Person(*row) if row else Person(user)


def people(db: sqlite3.Connection, users: tuple[str, ...]) -> dict[str, Person]:
    """Several at once."""
    return {user: person(db, user) for user in users}


def save_person(db: sqlite3.Connection, new: Person) -> None:
    """Insert or replace.

    Raises:
        BadInput: somebody else has that extension or number already; says who.
    """
    check_free(db, new)
    marks = ", ".join("?" * len(Person.__dataclass_fields__))
    db.execute(
        f"INSERT OR REPLACE INTO people ({_PERSON}, name_folded) VALUES ({marks}, ?)",
        (*(getattr(new, name) for name in Person.__dataclass_fields__), all_folded(new.name)),
    )


def save_met(db: sqlite3.Connection, met: Person) -> None:
    """What Slack says of a person: name, zone, whether they are from outside; everything else of them stays."""
    db.execute(
        "INSERT INTO people (user, name, zone, outside, name_folded) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (user) DO UPDATE SET name = excluded.name, zone = excluded.zone, outside = excluded.outside,"
        " name_folded = excluded.name_folded",
        (met.user, met.name, met.zone, met.outside, all_folded(met.name)),
    )


def outsiders(db: sqlite3.Connection) -> set[str]:
    """Slack user ids of all who are known to be no members of the workspace."""
    return {row[0] for row in db.execute("SELECT user FROM people WHERE outside")}


def check_free(db: sqlite3.Connection, new: Person) -> None:
    """A phone rings for one person, and an extension names one; nobody is rung as theirs who is not to be called.

    Raises:
        BadInput: somebody else has that extension or number already; says who. Or it is on the do-not-call list.
    """
    if new.phone_kind == "number" and new.phone != person(db, new.user).phone and do_not_call(db, new.phone):
        raise BadInput(
            f"{pretty(new.phone)} is on the do-not-call list, so nothing was changed: every call of yours would ring "
            "it first. If it is your own phone, ask a manager to take it off."
        )
    for user, what in taken(db, new):
        elsewhere = ""
        if what.startswith("Extension") and not new.account:
            elsewhere = " Yours may be at another phone service: then say so behind it, like `via voicenter`."
        raise BadInput(
            f"{what} is already linked to <@{user}>, so nothing was changed. "
            f"Ask them to unlink it with `/phone unlink` first.{elsewhere}"
        )


_BY_CODE = ("extension", "employee")
"""Kinds of phones that are rung by the very code by which webhooks name people."""


def taken(db: sqlite3.Connection, new: Person) -> list[tuple[str, str]]:
    """(Slack user id, what) of those who have an extension or number that somebody wants to link.

    Who names no account has their extension at all of them: else it could be had once more, with an account or
    without one, and whose a call is decides who sees it and hears its recording.
    """
    found = []
    others = "user <> ? AND (account IN ('', ?) OR ? = '')"
    for code in dict.fromkeys((new.extension, new.phone if new.phone_kind in _BY_CODE else "")):
        for query in (
            f"SELECT user FROM people WHERE extension = ? AND extension <> '' AND {others}",
            f"SELECT user FROM people WHERE phone = ? AND phone <> '' AND phone_kind IN {_BY_CODE} AND {others}",
        ):
            rows = db.execute(query, (code, new.user, new.account, new.account))
            found += [(str(row[0]), f"Extension {code}") for row in rows]
    if new.phone_kind == "number":
        row = db.execute(
            "SELECT user FROM people WHERE phone = ? AND phone <> '' AND user <> ?", (new.phone, new.user)
        ).fetchone()
        found += [(str(row[0]), "That number")] if row else []
    return found


def is_colleagues(db: sqlite3.Connection, number: str) -> bool:
    """Whether somebody of the team has that phone (E.164)."""
    return db.execute("SELECT 1 FROM people WHERE phone = ? AND phone <> ''", (number,)).fetchone() is not None


def opened_home(db: sqlite3.Connection, user: str, now: float) -> None:
    """Remember that this person has an App Home to keep fresh."""
    db.execute(
        "INSERT INTO people (user, home_at) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET home_at = excluded.home_at",
        (user, now),
    )


def homes(db: sqlite3.Connection, since: float) -> list[str]:
    """People whose App Home was opened since then."""
    return [row[0] for row in db.execute("SELECT user FROM people WHERE home_at >= ?", (since,))]


def with_phones(db: sqlite3.Connection, limit: int) -> list[tuple[str, str]]:
    """(Slack user id, name) of those who have linked a phone, by name."""
    rows = db.execute(
        "SELECT user, name FROM people WHERE phone_kind <> '' ORDER BY name_folded, user LIMIT ?", (limit,)
    )
    return [(row[0], row[1]) for row in rows]


def called(db: sqlite3.Connection, name: str) -> list[Person]:
    """Whose name that is, or whole words of it, such as the first; with or without a phone."""
    where, values = having(words(name), "name_folded")
    rows = db.execute(f"SELECT {_PERSON}, name_folded FROM people WHERE {where} ORDER BY user", values)
    return [Person(*row[:-1]) for row in rows if fit_folded(row[-1], name) >= Fit.WORDS]


def do_not_call(db: sqlite3.Connection, number: str) -> tuple[str, str, float] | None:
    """(reason, by whom, when) if the number must not be called."""
    row = db.execute("SELECT reason, by, at FROM do_not_call WHERE number = ?", (number,)).fetchone()
    return (row[0], row[1], row[2]) if row else None


def block(db: sqlite3.Connection, number: str, reason: str, by: str, now: float) -> None:
    """Put a number on the do-not-call list."""
    db.execute(
        "INSERT OR REPLACE INTO do_not_call (number, reason, by, at) VALUES (?, ?, ?, ?)", (number, reason, by, now)
    )


def unblock(db: sqlite3.Connection, number: str) -> bool:
    """Take a number off the do-not-call list. False: it was not on it."""
    return db.execute("DELETE FROM do_not_call WHERE number = ?", (number,)).rowcount == 1


def blocked(db: sqlite3.Connection, limit: int = 100) -> list[tuple[str, str, str, float]]:
    """The do-not-call list, latest first: (number, reason, by, at)."""
    rows = db.execute("SELECT number, reason, by, at FROM do_not_call ORDER BY at DESC LIMIT ?", (limit,))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def of_extensions(db: sqlite3.Connection, account: str, codes: tuple[str, ...]) -> dict[str, str]:
    """Extension -> Slack user id, of those that are somebody's at this account."""
    found = {}
    for code in codes:
        row = db.execute(
            "SELECT user FROM people WHERE extension = ? AND extension <> '' AND account IN ('', ?)", (code, account)
        ).fetchone()
        if row:
            found[code] = row[0]
    return found


def never_called(db: sqlite3.Connection) -> frozenset[str]:
    """Every number of the do-not-call list."""
    return frozenset(row[0] for row in db.execute("SELECT number FROM do_not_call"))


def named(known: Person, name: str, zone: str, *, outside: bool = False) -> Person:
    """The person with name and IANA zone from Slack; "" keeps what is known."""
    return replace(known, name=name or known.name, zone=zone or known.zone, outside=outside)
