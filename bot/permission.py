"""May this be dialled? The policy as configured, asked with what is on record, for everything that dials.

Each `check_…` returns for yes and raises for no. Whoever writes the call down asks in the same transaction: two asks
at the same moment cannot both pass a limit.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

from msgspec.structs import replace

from bot import number_kinds, outsiders, policy
from bot.board import Board
from bot.cards import upper_first
from bot.cards.times import counted, day_clock
from bot.errors import CapReached, Costly, NeedsReason, NeedsYes, NotAllowed, NotNow, StartedEnough
from bot.limits import at_once, daily_cap, day_end, day_start, night, night_cap, until, week_start
from bot.on_record import of_number
from bot.rules import Decision, History, NeedsConfirmation, Proposed, Refused, Rules, Used
from bot.store import calls, dials, lookups, people
from bot.window import Window, next_open, zones_of

NOTHING = Used()
"""What does not count towards a cap, or is not asked for."""
BUSY_SECONDS = 600.0
"""So long a contact waits whom somebody is on a call with."""
_DAYS_AHEAD = 8
"""How far a number's turn may lie ahead: attempts are counted within seven days."""


def rules(board: Board) -> Rules:
    """The policy's rules as configured."""
    settings = board.settings
    return Rules(
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
        calls_at_once=settings.policy.calls_at_once,
        night_calls=settings.policy.night_calls,
        night_calls_at_once=settings.policy.night_calls_at_once,
        attempts_per_day=settings.policy.attempts_per_day,
        attempts_per_week=settings.policy.attempts_per_week,
        ask_first=frozenset(settings.policy.ask_first),
        places=settings.policy.places,
        registry_days=settings.policy.registry_days,
        consent_days=settings.messages.consent,
        zone=settings.zone,
    )


def check_caller(board: Board, user: str) -> None:
    """Raises NotAllowed where only some may place calls and `user` is not among them, or from outside."""
    if board.turned_away(user):
        raise NotAllowed(outsiders.WORDS)
    allowed = board.settings.policy.callers
    if allowed and user not in allowed and board.settings.role(user) == "rep":
        raise NotAllowed(
            "You are not among those who may place calls, so nothing was dialled. Ask your admin to add you."
        )


def check_call(db: sqlite3.Connection, board: Board, proposed: Proposed, *, alone: bool = True) -> str:
    """Whether a person may place that call now. Returns what the manager who allows it had to allow, "" = nothing.

    `alone`: it is one call that somebody places by hand, so a manager may be asked.

    Raises:
        NeedsYes: outside the callee's hours, or `ask_first` names it, and nobody confirmed it.
        NeedsReason: the policy forbids it, but a manager may allow this one call.
        NotAllowed: the policy forbids it.
        NotNow: what the rep, or all together, may call today is used up, or the number is a contact who was called
            as often as they may be, or is on a call with somebody; says from when on.
    """
    limits, now = rules(board), board.now()
    history = _of_call(db, limits, proposed, now)
    decision = policy.decide(proposed, limits, history, datetime.fromtimestamp(now, UTC))
    waivable = policy.waivable(proposed, limits, history, datetime.fromtimestamp(now, UTC))
    if alone and not proposed.from_list and isinstance(decision, Refused) and decision.waivable:
        all_of_it = _joined(one.why.partition(": ")[2] for one in waivable)
        _ask_a_manager(board, proposed, f"{decision.why.partition(': ')[0]}: {all_of_it}", decision)
    _check(decision)
    if proposed.from_list:
        _check_free(db, proposed.number, now)
    return _told(waivable)


def against(db: sqlite3.Connection, board: Board, proposed: Proposed) -> str:
    """What a manager would have to allow for that call, "" = nothing."""
    limits, now = rules(board), board.now()
    history = _of_call(db, limits, proposed, now)
    return _told(policy.waivable(proposed, limits, history, datetime.fromtimestamp(now, UTC)))


def _of_call(db: sqlite3.Connection, limits: Rules, proposed: Proposed, now: float) -> History:
    attempts = _attempts(db, limits, proposed.number, now) if proposed.from_list else (0, 0)
    return replace(
        _of_rep(db, limits, proposed.rep, now),
        **of_number(db, limits, proposed, now),
        attempts_today=attempts[0],
        attempts_this_week=attempts[1],
        known="new" not in limits.ask_first or proposed.from_list or _is_known(db, proposed.number, now),
    )


def _of_rep(db: sqlite3.Connection, limits: Rules, rep: str, now: float) -> History:
    """What a rep, and all together, have used up of their caps."""
    clock = datetime.fromtimestamp(now, UTC)
    since = day_start(limits, clock).timestamp()
    team = limits.team_daily_calls or limits.team_daily_minutes
    dark = night(limits, clock) if limits.night_calls else None
    return History(
        today=_used_since(db, since, now, rep),
        team_today=_used_since(db, since, now) if team else NOTHING,
        under_way=dials.under_way(db, rep, now) + dials.joined_now(db, rep, now),
        tonight=_used_since(db, dark[0].timestamp(), now, rep).calls if dark else 0,
    )


def _used_since(db: sqlite3.Connection, since: float, now: float, rep: str = "") -> Used:
    calls, seconds = dials.dials_since(db, since, now, rep)
    return Used(calls + dials.joined_since(db, since, rep), seconds // 60)


def _told(found: Iterable[Refused]) -> str:
    """For others than whoever wants to call."""
    return _joined(one.told or one.why.partition(": ")[2] for one in found)


def _joined(reasons: Iterable[str]) -> str:
    return " ".join(upper_first(reason) if place else reason for place, reason in enumerate(reasons))


def _ask_a_manager(board: Board, proposed: Proposed, why: str, decision: Refused) -> None:
    forbids = _error(decision)
    if proposed.role != "rep":
        raise NeedsReason(f"{why} As a manager you may allow this one call, if you say why.", forbids)
    if board.settings.managers or board.settings.admins:
        raise NeedsReason(f"{why} {decision.next_step} Or ask a manager to allow this one call.", forbids)


def _check_free(db: sqlite3.Connection, number: str, now: float) -> None:
    """Nobody rings whom a colleague is calling or talking to, from another list say."""
    if dials.on_a_call(db, number, now):
        words = "The call was not placed: somebody of your team is on a call with them right now."
        raise NotNow(words, now + BUSY_SECONDS)


def _is_known(db: sqlite3.Connection, number: str, now: float) -> bool:
    return bool(calls.with_number(db, number, now, 1)) or lookups.known(db, number) is not None


def _attempts(db: sqlite3.Connection, limits: Rules, number: str, at: float) -> tuple[int, int]:
    """Calls to a number that count, on the day of `at` and in the seven days that end with it."""
    clock = datetime.fromtimestamp(at, UTC)
    day, week = day_start(limits, clock), week_start(limits, clock)
    return dials.attempts_since(db, number, day.timestamp()), dials.attempts_since(db, number, week.timestamp())


def check_contact(db: sqlite3.Connection, board: Board, by: str, number: str, at: float) -> None:
    """Whether a contact of a calling list may be called at that moment (seconds since 1970 UTC), whoever calls.

    What concerns the rep (daily caps, whether to call at that hour) is asked when somebody calls: see `check_call()`.

    Raises:
        NotNow: it was called as often as it may be, or is on a call with somebody; says from when on.
        NotAllowed: the policy forbids it for good.
    """
    limits = rules(board)
    proposed = Proposed(rep=by, role=board.settings.role(by), number=number, from_list=True, confirmed=True)

    def check(moment: float) -> None:
        today, week = _attempts(db, limits, number, moment)
        _decide(db, board, proposed, attempts_today=today, attempts_this_week=week, at=moment)

    try:
        check(at)
        if at <= board.now():
            _check_free(db, number, at)
    except NotNow as error:
        moment = error.at
        for _ in range(_DAYS_AHEAD):
            try:
                check(moment)
            except NotNow as later:
                moment = later.at
            else:
                break
        raise NotNow(str(error), open_from(board, number, moment)) from error


def open_from(board: Board, number: str, at: float, *, unknown: Sequence[str] = ()) -> float:
    """The first moment from `at` on that is within the calling hours of a number (seconds since 1970 UTC); `at` itself
    where none is, or nobody knows where the number may be.

    `unknown`: the zones that it is taken to be in then.
    """
    zones = zones_of(number) or unknown
    opening = next_open(rules(board).window_of(number), zones, datetime.fromtimestamp(at, UTC))
    return opening.timestamp() if opening else at


def check_message(db: sqlite3.Connection, board: Board, by: str, number: str, at: float) -> None:
    """Whether a message may go to that number at that moment (seconds since 1970 UTC), as far as is known now.

    Raises:
        NotNow: outside the recipient's hours, or whoever sends it has sent as many as they may that day.
        NotAllowed: the policy forbids it.
    """
    _check_sent(db, board, by, at)
    today, week = _attempts(db, rules(board), number, at)
    proposed = Proposed(rep=by, role=board.settings.role(by), number=number, automatic=True)
    _decide(db, board, proposed, attempts_today=today, attempts_this_week=week, at=at)


def _check_sent(db: sqlite3.Connection, board: Board, by: str, at: float) -> None:
    limit, limits, clock = board.settings.messages.reps_daily, rules(board), datetime.fromtimestamp(at, UTC)
    if not limit or board.settings.role(by) != "rep":
        return
    sent = dials.messages_since(db, day_start(limits, clock).timestamp(), by)
    if sent >= limit:
        words = (
            f"The message was not sent: you have sent {counted(sent, 'voice message')} today, and the limit for one "
            f"person is {limit} a day. Go on tomorrow, or ask an admin to raise the limit."
        )
        raise CapReached(words, day_end(limits, clock).timestamp(), "reps_daily", sent)


def check_started(db: sqlite3.Connection, board: Board, starter: str, kind: str, *, calls: bool) -> None:
    """Whether a workflow that somebody started may place another call, or send another message, in whoever's name.

    Theirs are one person's, whomever they name: else one account could call as often as all colleagues may. Those that
    nobody of ours started are one person's together, for anybody may have built them. `kind`: of the step.

    Raises:
        StartedEnough: it is as many as one person may; says from when on.
    """
    found, now = rules(board), board.now()
    clock = datetime.fromtimestamp(now, UTC)
    today = day_start(found, clock)
    caps = [("daily_calls", found.daily_calls, today, "today", " a day", day_end(found, clock), "tomorrow")]
    if not calls:
        most = board.settings.messages.reps_daily if board.settings.role(starter) == "rep" else 0
        caps = [("reps_daily", most, *caps[0][2:])]
    elif found.night_calls and (dark := night(found, clock)) is not None:
        since = f"since {day_clock(dark[0].timestamp(), now, found.zone)}"
        again = f"at {until(found, dark[1], clock)}"
        caps.append(
            ("night_calls", found.night_calls, dark[0], since, " outside your team's working hours", dark[1], again)
        )
    for cap, most, begin, since, each, end, again in caps:
        done = dials.started_since(db, begin.timestamp(), kind, starter)
        if most and done >= most:
            did = f"placed {counted(done, 'call')}" if calls else f"sent {counted(done, 'voice message')}"
            nothing = "The call was not placed" if calls else "The voice message was not sent"
            who = f"<@{starter}>" if starter else "nobody of your workspace"
            words = (
                f"{nothing}: workflows that {who} started have {did} {since}, in whoever's name, and the limit for one "
                f"person is {most}{each}. Go on {again}, or ask an admin to raise `{cap}`."
            )
            raise StartedEnough(words, end.timestamp(), starter, cap)


def may_be_rung(board: Board, phone: str) -> bool:
    """Whether a colleague's phone, E.164 or an extension's code, may be rung as theirs: each says so of their own, and
    what they say is dialled by flows at whatever hour somebody calls."""
    found = rules(board)
    wrong = policy.own_phone_abroad(phone, found) or board.settings.line(phone) is not None  # which would call itself
    return not (wrong or number_kinds.is_like_a_number(phone) or policy.never(phone, found.region))


def check_transfer(db: sqlite3.Connection, board: Board, user: str, to: str, account: str = "") -> None:
    """Whether that number or extension may be called into a running call at all, whoever has called how often.

    Raises:
        NotAllowed: the policy forbids it; says why.
    """
    extension = not to.startswith("+")
    proposed = Proposed(
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


def check_joining(db: sqlite3.Connection, board: Board, user: str, to: str, account: str = "") -> bool:
    """Whether that number or extension may be called into a running call now. Returns whether it counts as a call of
    `user`: somebody from outside does.

    Raises:
        NotAllowed: the policy forbids it; says why.
        CapReached: what `user`, or all together, may call is used up; says from when on.
    """
    check_transfer(db, board, user, to, account)
    if not _is_outside(db, board, user, to):
        return False
    limits, now = rules(board), board.now()
    clock, history = datetime.fromtimestamp(now, UTC), _of_rep(db, limits, user, now)
    refused = next((one for cap in (at_once, daily_cap, night_cap) if (one := cap(limits, history, clock))), None)
    if refused is not None:
        why = refused.why.replace("The call was not placed", "Nobody was called", 1)
        instead = "A colleague or an extension can be called all the same."
        raise _error(replace(refused, why=why, next_step=f"{refused.next_step} {instead}"))
    return True


def _is_outside(db: sqlite3.Connection, board: Board, user: str, to: str) -> bool:
    """Nobody of ours: neither an extension nor one of our lines nor a colleague. What somebody has linked as their own
    phone does not become a colleague's for themselves: else whoever uses their Slack would link number after number.
    """
    if not to.startswith("+") or board.settings.line(to) is not None:
        return False
    return people.person(db, user).phone == to or not people.is_colleagues(db, to)


def is_linked(db: sqlite3.Connection, account: str, extension: str) -> bool:
    """Whether somebody has linked that extension of the account."""
    return bool(people.of_extensions(db, account, (extension,)))


def _decide(
    db: sqlite3.Connection,
    board: Board,
    proposed: Proposed,
    *,
    attempts_today: int = 0,
    attempts_this_week: int = 0,
    at: float = 0,
) -> None:
    limits = rules(board)
    history = History(
        **of_number(db, limits, proposed, at or board.now()),
        attempts_today=attempts_today,
        attempts_this_week=attempts_this_week,
    )
    _check(policy.decide(proposed, limits, history, datetime.fromtimestamp(at or board.now(), UTC)))


def _check(decision: Decision) -> None:
    if isinstance(decision, Refused):
        raise _error(decision)
    if isinstance(decision, NeedsConfirmation):
        raise NeedsYes(decision.why)


def _error(decision: Refused) -> NotAllowed:
    at = decision.next_slot.timestamp() if decision.next_slot is not None else 0.0
    if decision.cap:
        return CapReached(decision.words, at, decision.cap, decision.used)
    if at:
        return NotNow(decision.words, at)
    return (Costly if decision.costly else NotAllowed)(decision.words)
