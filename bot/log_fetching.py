"""Calls of before Callboard looked, fetched from a service's own call log because an admin asks for them.

A day at a time. How far it is, is a fact of the store that is written in the commit that takes calls in: so after a
restart it goes on where it was, and counts each call once. What is fetched is announced to nobody.
"""

import asyncio
import logging
import math
import sqlite3
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import msgspec

from bot import call_search
from bot.board import Board, notice, sentence
from bot.call_search import Reader
from bot.cards.fetched import ended_words, fetched_words, period_words
from bot.cards.times import counted
from bot.catching_up import AGAIN_SECONDS, of_age, parts, since_when
from bot.errors import BadInput, NotAllowed, Unsupported
from bot.events import AnyEvent
from bot.orders import LogSearch
from bot.periods import instant
from bot.provider import Provider
from bot.store import calls, cards, ledger, recordings

log = logging.getLogger("callboard.log_fetching")

MOST_DAYS = 92
"""Days of one asking: at `PAUSE_SECONDS` each they take some minutes."""
OWED_SECONDS = 86400.0
"""Nobody is owed a call because of one that ended longer ago, and longer than the log was read last: whoever called
would be surprised."""
PAUSE_SECONDS = 3.0
"""Between two questions. Voicenter answers 30 a minute (https://www.voicenter.com/API/Call-Log); others ask, too."""
_FACT = "log fetch "
"""What the facts are kept under; the account follows."""
_NOTHING = "Nothing was fetched."


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """What is being fetched of one account's log. Moments are seconds since 1970 UTC.

    Attributes:
        id: of the asking.  by: Slack user id.  zone: IANA name; days are those of its clock.
        since, until: the period, `since <= moment < until`.  done: all that began before is on record.
        fresh: ISO date -> how many calls of it were new.  known: how many of the days before `done` were not.
    """

    id: str
    by: str
    account: str
    zone: str
    since: float
    until: float
    done: float
    fresh: dict[str, int] = {}
    known: int = 0

    def day(self, moment: float) -> date:
        """The day that a moment belongs to."""
        return datetime.fromtimestamp(moment, call_search.zone_of(self.zone)).date()

    @property
    def days(self) -> str:
        """Both ends, as they may be typed."""
        return _typed(self.day(self.since), self.day(self.until - 1))


async def begin(board: Board, user: str, text: str, key: str) -> Fetch:
    """Read what was typed after `/calls log fetch`, and write down that it is to be done; `run()` does it.

    `key`: unique for this very command.

    Raises:
        NotAllowed: they are no admin, that account's log is being fetched, or this was asked before.
        BadInput: the period or the account cannot be used; says why.
        Unsupported: the service has no call log that can be asked.
    """
    if board.settings.role(user) != "admin":
        raise NotAllowed(f"Only admins fetch calls from a phone service's log. {_NOTHING}")
    words, _, via = f" {' '.join(text.split())} ".partition(" via ")
    provider = _provider(board, via.strip())
    zone = await board.read(board.zone_of, user)
    since, until = _period(board, words.strip(), zone)
    new = Fetch(id=key, by=user, account=provider.account, zone=zone, since=since, until=until, done=since)
    now = board.now()

    def write(db: sqlite3.Connection) -> str:
        running = _recall(db, new.account)
        if running is not None:
            title = board.title(running.account)
            return (
                f"{period_words(running, running.since, running.until)} of the call log of {title} are being fetched "
                f"already, because <@{running.by}> asked. Wait until that is done. {_NOTHING}"
            )
        if not ledger.take_once(db, f"fetch:{key}", user, "fetch", now):
            return "That was asked before, and is done once."
        _remember(db, new, now)
        ledger.audit(db, now, user, "fetch call log", new.account, new.days)
        return ""

    if refused := await board.write(write):
        raise NotAllowed(refused)
    return new


async def run(board: Board, account: str) -> None:
    """Fetch what is left of it and tell whoever asked. One at a time for each account."""
    mark = f"{_FACT}{account}"
    if mark in board.acting:
        return
    board.acting[mark] = "fetching calls"
    try:
        fetch = await board.read(_recall, account)
        if fetch is None:
            return
        trouble = ""
        try:
            await _run(board, fetch)
        except Exception as error:  # whoever asked is told, with how far it came
            trouble = sentence(error)
        await board.record(_finish, board, account, trouble)
    finally:
        del board.acting[mark]


async def recover(board: Board) -> None:
    """At start: what was under way goes on."""
    facts = await board.read(ledger.recall_all, _FACT)
    await asyncio.gather(*(run(board, key.removeprefix(_FACT)) for key in facts))


async def failed(error: Exception) -> None:
    """A bug of ours, or the database: after a restart it goes on."""
    log.error("Fetching calls from a call log could not go on.", exc_info=error)


async def _run(board: Board, fetch: Fetch) -> None:
    provider = board.providers.get(fetch.account)
    if provider is None:
        raise Unsupported(f"The account {fetch.account} is not set up any more.")
    while fetch.done < fetch.until:
        tomorrow = instant(fetch.day(fetch.done) + timedelta(days=1), time(0), call_search.zone_of(fetch.zone))
        until = min(tomorrow.timestamp(), fetch.until)
        told = await provider.call_log(LogSearch(since=fetch.done, until=until))
        fetch = await _take_in(board, fetch, told, until)
        if fetch.done < fetch.until:
            await board.sleep(PAUSE_SECONDS)


async def _take_in(board: Board, fetch: Fetch, told: Iterable[AnyEvent], until: float) -> Fetch:
    """The calls of a day, some at a time: webhooks and clicks are written down in between."""
    events = tuple(told)
    day = fetch.day(fetch.done).isoformat()
    for part in parts(events):
        changes = await board.write(_ingest, board, fetch.account, part, day)
        board.changed(change.call for change in changes)

    def complete(db: sqlite3.Connection) -> Fetch:
        taken = _known(db, fetch.account)
        known = max(0, len({event.ref for event in events}) - taken.fresh.get(day, 0))
        done = msgspec.structs.replace(taken, done=until, known=taken.known + known)
        _remember(db, done, board.now())
        return done

    return await board.write(complete)


def _ingest(db: sqlite3.Connection, board: Board, account: str, events: list[AnyEvent], day: str) -> list[calls.Change]:
    """Some calls with all their events, and in the same commit how many of them were new."""
    now = board.now()
    fresh = sum(calls.by_ref(db, account, ref) is None for ref in {event.ref for event in events})
    # What is still to be caught up with would have made its callers wait: it does, whoever comes first.
    since = since_when(db, account, now)
    owed_from = min(now - OWED_SECONDS, math.inf if since is None else since)
    changes = []
    for old in (True, False):
        told = of_age(events, owed_from, old=old)
        changes += calls.ingest(db, account, told, now=now, routing=board.routing, late=True, fetched=old)
    for change in changes:
        _forget_recordings(db, board, change.call.id)
    if fresh:
        taken = _known(db, account)
        counted = {**taken.fresh, day: taken.fresh.get(day, 0) + fresh}
        _remember(db, msgspec.structs.replace(taken, fresh=counted), now)
    return changes


def _forget_recordings(db: sqlite3.Connection, board: Board, call_id: str) -> None:
    """Those whose time was over before we heard of them, or the end of each would be told in the audit log."""
    days = board.settings.recording.keep_days
    for copy in recordings.of_call(db, call_id) if days else ():
        if not copy.file and copy.ended_at < board.now() - days * 86400:
            recordings.deleted(db, copy)


def _finish(db: sqlite3.Connection, board: Board, account: str, trouble: str) -> None:
    """It is over: the fact goes, and whoever asked is told, in one commit."""
    fetch = _recall(db, account)
    if fetch is None:
        return
    now = board.now()
    ledger.forget_fact(db, f"{_FACT}{account}")
    counts = f"{sum(fetch.fresh.values())} new, {fetch.known} known"
    stopped = f"stopped before {fetch.day(fetch.done)}: " if trouble else ""
    ledger.audit(db, now, fetch.by, "fetched call log", account, f"{fetch.days}: {stopped}{counts}")
    title = board.title(account)
    again = f"/calls log fetch {_typed(fetch.day(fetch.done), fetch.day(fetch.until - 1))} via {account}"
    words = ended_words(fetch, title, trouble, again) if trouble else fetched_words(fetch, title)
    cards.mark(db, "notice", f"{_FACT}{fetch.id}", f"@{fetch.by}", now, notice(board.settings.renamed(words)))


# Facts


def _remember(db: sqlite3.Connection, fetch: Fetch, now: float) -> None:
    ledger.remember(db, f"{_FACT}{fetch.account}", msgspec.json.encode(fetch).decode(), now)


def _recall(db: sqlite3.Connection, account: str) -> Fetch | None:
    fact = ledger.recall(db, f"{_FACT}{account}")
    return msgspec.json.decode(fact[0], type=Fetch) if fact else None


def _known(db: sqlite3.Connection, account: str) -> Fetch:
    fetch = _recall(db, account)
    assert fetch is not None, "only `_finish` forgets it, after all of this"
    return fetch


# What was typed


def _provider(board: Board, via: str) -> Provider:
    word = via.casefold()
    able = [name for name, provider in board.providers.items() if provider.can("call_log")]
    if not via:
        found = able
        if not able:
            raise Unsupported(f"None of your phone services can list finished calls. {_NOTHING}")
    else:
        named = [name for name in board.providers if name.casefold() == word]
        found = named or [name for name, one in board.providers.items() if one.title.casefold() == word]
        if not found:
            known = ", ".join(board.providers)
            raise BadInput(f"There is no telephony account “{via}”. Choose one of: {known}. {_NOTHING}")
        if not set(found) & set(able):
            raise Unsupported(f"{board.providers[found[0]].title} cannot list finished calls. {_NOTHING}")
    if len(found) > 1:
        raise BadInput(f"Say whose call log: {' or '.join(f'`via {name}`' for name in found)}. {_NOTHING}")
    return board.providers[found[0]]


def _period(board: Board, words: str, zone: str) -> tuple[float, float]:
    """The moments of a period: since and until."""
    now = board.now()
    reader = Reader(board.settings.region, zone, now)
    if not words:
        raise BadInput(f"Say which days: `/calls log fetch 2026-10-01..2026-10-15`. {_NOTHING}")
    try:
        since, until = call_search.period(words, reader)
    except BadInput as error:
        told = str(error).removesuffix(call_search.UNDERSTOOD).replace("Nothing was searched.", "").strip()
        raise BadInput(f"{told} {_NOTHING}") from error
    if not since:
        raise BadInput(f"Say from which day on: `/calls log fetch 2026-10-01..2026-10-15`. {_NOTHING}")
    tomorrow = reader.begin(reader.today + timedelta(days=1))
    if until > tomorrow and not words.casefold().startswith("this "):
        raise BadInput(f"That period is not over yet. Let it end today: `2026-11-03..` does. {_NOTHING}")
    # What is later may be news, which whoever catches up with the log announces.
    until = min(until or math.inf, math.floor(now - AGAIN_SECONDS))
    if until <= since:
        raise BadInput("Calls of the last two and a half hours come by themselves, so nothing was fetched.")
    asked = Fetch(id="", by="", account="", zone=zone, since=since, until=until, done=since)
    count = (asked.day(until - 1) - asked.day(since)).days + 1
    if count > MOST_DAYS:
        raise BadInput(f"Those are {count} days, and {MOST_DAYS} are the most at a time. {_NOTHING}")
    kept = board.settings.retention.calls_days
    if kept and since < now - kept * 86400:
        first = asked.day(now - kept * 86400) + timedelta(days=1)
        raise BadInput(
            f"Calls are forgotten after {counted(kept, 'day')} here (`[retention]` of callboard.toml). "
            f"Fetch from {first} on. {_NOTHING}"
        )
    return since, until


def _typed(first: date, last: date) -> str:
    return str(first) if first == last else f"{first}..{last}"
