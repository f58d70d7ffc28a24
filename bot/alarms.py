"""What may cost a lot of money, or trust, is told to the admins: a cap that is reached, numbers that are never dialled,
somebody from elsewhere who knows the hook secret.

Policy has refused it by then. But whoever uses a colleague's Slack goes on with what it allows, and a phone bill comes
weeks later: https://www.twilio.com/docs/glossary/what-is-toll-fraud.
"""

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.board import Board, notice
from bot.cards.times import counted
from bot.errors import CapReached, Costly, StartedEnough
from bot.limits import day_start, night, until
from bot.permission import rules
from bot.store import cards, ledger

log = logging.getLogger("callboard.alarms")

SLIPS = 3
"""So many different numbers of that kind in a day are no slip any more."""


async def refused(board: Board, rep: str, number: str, error: CapReached | Costly) -> None:
    """Policy has refused `rep` a call: into the audit log, and to the admins where it is time, once a day of each."""
    now = board.now()
    day = _day(board)
    if isinstance(error, CapReached):
        about = f"{error.cap}:{'' if error.cap.startswith('team_') else rep}"
        words = _cap(board, rep, error)
    else:
        tried = board.costly.setdefault((rep, day), set())
        tried.add(number)
        for old in [key for key in board.costly if key[1] < day]:
            del board.costly[old]
        about = f"costly:{rep}"
        words = _costly(rep, len(tried), str(error)) if len(tried) >= SLIPS else ""

    def note(db: sqlite3.Connection) -> None:
        cap = error.cap if isinstance(error, CapReached) else ""
        what = "refused message" if cap == "reps_daily" else "refused call"
        ledger.audit(db, now, rep, what, number, cap.replace("_", " ") or "cost")
        for admin in board.settings.admins if words else ():  # the same message again is edited in place
            cards.mark(db, "notice", f"alarm:{about}:{day}", f"@{admin}", now, notice(board.settings.renamed(words)))

    await board.write(note)


async def started(board: Board, error: StartedEnough) -> None:
    """Somebody's workflows have done, in others' names, what one person may: likewise, once a day of each."""
    now = board.now()
    words = (
        f"{error} If that is more than you expect, look at `/callboard audit workflow`: somebody else may be using a "
        "colleague's Slack."
    )

    def note(db: sqlite3.Connection) -> None:
        ledger.audit(db, now, error.starter, "refused workflow", "", error.cap.replace("_", " "))
        for admin in board.settings.admins:
            about = f"alarm:{error.cap}:workflows of {error.starter}:{_day(board)}"
            cards.mark(db, "notice", about, f"@{admin}", now, notice(board.settings.renamed(words)))

    await board.write(note)


async def stranger(board: Board, account: str, address: str) -> None:
    """A webhook of `account` that knows the hook secret was refused, for it came from no address that the settings
    allow: to the admins and into the log, once a day. Of whoever does not know the secret nothing is said."""
    day = _day(board)
    if board.strangers.get(account) == day:
        return
    board.strangers[account] = day
    words = (
        f"A webhook of {board.providers[account].title} ({account}) that knows the hook secret came from {address}, "
        "which is not among the `addresses` of its section, so it was refused. If that is the service, add the "
        "address; if it is your own proxy, set FORWARDED_ALLOW_IPS to it. If it is neither, somebody knows the secret: "
        "make a new one."
    )
    log.warning("%s", words)

    def note(db: sqlite3.Connection) -> None:
        for admin in board.settings.admins:
            cards.mark(db, "notice", f"alarm:stranger:{account}:{day}", f"@{admin}", board.now(), notice(words))

    await board.write(note)


def _day(board: Board) -> float:
    """When the day has begun, seconds since 1970 UTC."""
    return day_start(rules(board), datetime.fromtimestamp(board.now(), UTC)).timestamp()


def _cap(board: Board, rep: str, error: CapReached) -> str:
    if error.cap.endswith("calls_at_once"):
        return (
            f"<@{rep}> has {counted(error.used, 'call')} under way at the same moment, and `{error.cap}` in `[policy]` "
            "allows no more: they cannot call anybody else before one is over. If they do not know of them, somebody "
            "else may be using their Slack: `/calls team` hangs up."
        )
    team, message = error.cap.startswith("team_"), error.cap == "reps_daily"
    who = "All together have" if team else f"<@{rep}> has"
    did = f"placed {counted(error.used, 'call')}"
    when, end, days = "today", "midnight", "today"
    if error.cap == "night_calls":
        # It is read in the morning, when neither the evening nor “tomorrow” is what it was.
        found, ends = rules(board), datetime.fromtimestamp(error.at, UTC)
        began = (night(found, ends - timedelta(seconds=1)) or (ends,))[0]
        when, end = "while your team is not at work", until(found, ends, ends)
        days = f"{began.astimezone(ZoneInfo(found.zone)).date()}.."
    if message:
        did = f"sent {counted(error.used, 'voice message')}"
    elif error.cap.endswith("minutes"):
        did = f"talked for {counted(error.used, 'minute')}"
    section = "[messages]" if message else "[policy]"
    but = "" if message else ", but for what a manager allows"
    nobody = "nobody can call" if team else f"they cannot {'send' if message else 'call'}"
    return (
        f"{who} {did} {when}, and `{error.cap}` in `{section}` allows no more: {nobody} any more until {end}{but}. "
        f"If that is more than you expect, look at `/calls log {days}`: somebody else may be using a colleague's Slack."
    )


def _costly(rep: str, count: int, latest: str) -> str:
    return (
        f"<@{rep}> has tried to call {count} numbers today that are never dialled from here, because of where they are "
        f"or what they cost. The latest: “{latest}” Nothing was dialled. If they do not know of it, somebody else may "
        "be using their Slack."
    )
