"""May this be dialled? The policy as configured, asked with what is on record, for everything that dials.

Each `check_…` returns for yes and raises for no. Whoever writes the call down asks in the same transaction: two asks
at the same moment cannot both pass a limit.
"""

import sqlite3
from datetime import UTC, datetime, time

from bot import policy
from bot.board import Board
from bot.errors import NeedsYes, NotAllowed, NotNow
from bot.store import calls, people
from bot.window import Window

NOTHING = policy.Used()
"""What does not count towards a cap, or is not asked for."""


def rules(board: Board) -> policy.Rules:
    """The policy's rules as configured."""
    settings = board.settings
    return policy.Rules(
        region=settings.region,
        countries=frozenset(settings.policy.countries),
        window=Window(
            time.fromisoformat(settings.policy.hours[0]),
            time.fromisoformat(settings.policy.hours[1]),
            frozenset(settings.policy.weekdays),
        ),
        daily_calls=settings.policy.daily_calls,
        daily_minutes=settings.policy.daily_minutes,
        team_daily_calls=settings.policy.team_daily_calls,
        team_daily_minutes=settings.policy.team_daily_minutes,
        attempts_per_day=settings.policy.attempts_per_day,
        attempts_per_week=settings.policy.attempts_per_week,
        zone=settings.zone,
    )


def check_caller(board: Board, user: str) -> None:
    """Raises NotAllowed where only some may place calls and `user` is not among them."""
    allowed = board.settings.policy.callers
    if allowed and user not in allowed and board.settings.role(user) == "rep":
        raise NotAllowed(
            "You are not among those who may place calls, so nothing was dialled. Ask your admin to add you."
        )


def check_call(db: sqlite3.Connection, board: Board, proposed: policy.Proposed) -> None:
    """Whether a person may place that call now.

    Raises:
        NeedsYes: outside the callee's hours, and nobody confirmed it.  NotAllowed: the policy forbids it.
        NotNow: what the rep, or all together, may call today is used up; says from when on.
    """
    limits, now = rules(board), board.now()
    since = policy.day_start(limits, datetime.fromtimestamp(now, UTC)).timestamp()
    team = limits.team_daily_calls or limits.team_daily_minutes
    _decide(
        db,
        board,
        proposed,
        today=_used(calls.dials_since(db, since, now, proposed.rep)),
        team_today=_used(calls.dials_since(db, since, now)) if team else NOTHING,
    )


def _used(dialled: tuple[int, int]) -> policy.Used:
    return policy.Used(dialled[0], dialled[1] // 60)


def check_message(db: sqlite3.Connection, board: Board, by: str, number: str, at: float) -> None:
    """Whether a message may go to that number at that moment (seconds since 1970 UTC), as far as is known now.

    Raises:
        NotNow: outside the recipient's hours.  NotAllowed: the policy forbids it.
    """
    limits, clock = rules(board), datetime.fromtimestamp(at, UTC)
    _decide(
        db,
        board,
        policy.Proposed(rep=by, role=board.settings.role(by), number=number, automatic=True),
        attempts_today=calls.messages_since(db, number, policy.day_start(limits, clock).timestamp()),
        attempts_this_week=calls.messages_since(db, number, policy.week_start(limits, clock).timestamp()),
        at=at,
    )


def check_transfer(db: sqlite3.Connection, board: Board, user: str, to: str, account: str = "") -> None:
    """Whether a running call may be taken to that number or extension; it does not count as a call of its own.

    Raises:
        NotAllowed: the policy forbids it; says why.
    """
    extension = not to.startswith("+")
    proposed = policy.Proposed(
        rep=user,
        role=board.settings.role(user),
        number=to,
        extension=extension,
        linked=extension and is_linked(db, account, to),
        confirmed=not extension,
    )
    try:
        _decide(db, board, proposed)
    except NeedsYes as question:  # somebody is on the line: there is no time to ask
        raise NotAllowed(
            f"Nobody was called: {to} is a short number too, and nobody has linked it as their extension. Ask whoever "
            f"it belongs to to type `/phone link extension {to}`, or name their whole number."
        ) from question


def is_linked(db: sqlite3.Connection, account: str, extension: str) -> bool:
    """Whether somebody has linked that extension of the account."""
    return bool(people.of_extensions(db, account, (extension,)))


def _decide(
    db: sqlite3.Connection,
    board: Board,
    proposed: policy.Proposed,
    *,
    today: policy.Used = NOTHING,
    team_today: policy.Used = NOTHING,
    attempts_today: int = 0,
    attempts_this_week: int = 0,
    at: float = 0,
) -> None:
    listed = people.do_not_call(db, proposed.number)
    by = (people.person(db, listed[1]).name or f"<@{listed[1]}>") if listed else ""  # the words may go into a file
    history = policy.History(
        do_not_call=policy.DoNotCall(listed[0], by, listed[2]) if listed else None,
        today=today,
        team_today=team_today,
        attempts_today=attempts_today,
        attempts_this_week=attempts_this_week,
    )
    decision = policy.decide(proposed, rules(board), history, datetime.fromtimestamp(at or board.now(), UTC))
    if isinstance(decision, policy.Refused):
        if decision.next_slot is not None:
            raise NotNow(decision.words, decision.next_slot.timestamp())
        raise NotAllowed(decision.words)
    if isinstance(decision, policy.NeedsConfirmation):
        raise NeedsYes(decision.why)
