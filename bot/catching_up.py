"""Makes up for webhooks that never came: the services' own call logs, asked for at the start and now and then.

What a log tells has the same keys as what webhooks tell, so a call that is known already is not made a second time.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from bot.board import Board, sentence
from bot.events import AnyEvent
from bot.orders import LogSearch
from bot.provider import Provider
from bot.store import ledger

EVERY_SECONDS = 900
PATIENCE_SECONDS = 300.0
"""So long a round waits for a service; one that is slower goes on by itself."""
AGAIN_SECONDS = 9000
"""So far back is asked again: a call may begin two hours before its record, which comes minutes after its end."""
FURTHEST_SECONDS = 31 * 24 * 3600
"""What happened before that is not asked for: nobody waits for a call back from it."""
AT_ONCE = 20
"""Calls of one commit."""
NEWS_SECONDS = 3600
"""A call that ended longer ago is kept and counted, and a missed caller is shown; but it is no news to be posted."""
RECORD_SECONDS = 600
"""So long after a call the webhook with its record may still come."""
SILENT_CALLS = 3
"""Where the log alone has told of so many calls since the last record by webhook, none come any more. One or two may be
of a kind that no webhook tells of; where more were, and records came all the same, it takes twice as many."""
MOST_CALLS = 50
"""Whatever was before, so many are a sign."""
_FACT = "call log "
"""When a log was asked last is kept under this; the account follows."""
_HEARD = "records of "
"""That an account's records ever came by themselves: who never set that up need not be told that they do not."""


async def catch_up(board: Board) -> None:
    """Ask every service that has a log for what happened since it was asked last. One that fails is asked again."""
    able = [(account, provider) for account, provider in board.providers.items() if provider.can("call_log")]
    await board.together([_account(board, account, provider) for account, provider in able], PATIENCE_SECONDS)


async def _account(board: Board, account: str, provider: Provider) -> None:
    mark = f"{_FACT}{account}"
    if mark in board.acting:
        return  # it has not answered yet, and asking once more would make it no faster
    board.acting[mark] = "catching up"
    try:
        await _since_the_last(board, provider)
    except Exception as error:  # a bug of ours with this account must not stop the others either
        await board.problem(f"call log {account}", f"{account}: its call log could not be read. {sentence(error)}")
    else:
        await board.solved(f"call log {account}")
    finally:
        del board.acting[mark]


async def _since_the_last(board: Board, provider: Provider) -> None:
    account, now = provider.account, board.now()
    board.listening.setdefault(account, now)
    since = await board.read(since_when, account, now)
    # At the very first start there is nothing to catch up with: what was before is not ours to announce.
    if since is not None:
        told = await provider.call_log(LogSearch(since=since, until=now))
        for late in (False, True):
            for events in parts(of_age(told, now - NEWS_SECONDS, old=late)):
                changes = await board.ingest(account, events, late=late)
                ended = [change.call.ended_at for change in changes if change.fresh]
                board.only_logged[account] = board.only_logged.get(account, []) + ended
    await _notice_silence(board, provider, now)
    await board.write(ledger.remember, f"{_FACT}{account}", str(now), now)


async def _notice_silence(board: Board, provider: Provider, now: float) -> None:
    """An address that was changed at the service, or leads nowhere any more, would show in nothing but delays."""
    account = provider.account
    if account in board.heard and await board.read(ledger.recall, f"{_HEARD}{account}") is None:
        await board.write(ledger.remember, f"{_HEARD}{account}", "", now)
    for marks in (board.heard, board.listening):  # a clock that was ahead must not hide what happens until then
        if account in marks:
            marks[account] = min(marks[account], now)
    # What was while nobody listened is no sign.
    since = board.heard.get(account) or board.listening[account]
    told = board.only_logged.get(account, [])
    silent = [at for at in told if since < at]
    board.only_logged[account] = silent[-MOST_CALLS:]
    # Where a log is known to tell of calls that no webhook tells of, and yet records came again, it takes more.
    outrun = sum(board.listening[account] < at < since - RECORD_SECONDS for at in told)
    usual = board.outrun[account] = max(outrun, board.outrun.get(account, 0))
    if sum(at < now - RECORD_SECONDS for at in silent) < max(SILENT_CALLS, min(2 * usual, MOST_CALLS)):
        if account in board.heard:
            await board.solved(f"webhooks of {account}")
    elif await board.read(ledger.recall, f"{_HEARD}{account}") is not None:
        await board.problem(
            f"webhooks of {account}",
            f"{provider.title} ({account}) does not tell of its calls by itself any more: the latest are known from "
            "its call log alone, up to a quarter of an hour late. Look whether the webhook addresses that it has are "
            "still those of `/callboard hooks`, and whether they can be reached.",
        )


def since_when(db: sqlite3.Connection, account: str, now: float) -> float | None:
    """From which moment on (seconds since 1970 UTC) an account's log is asked for next; None = it never was."""
    last = ledger.recall(db, f"{_FACT}{account}")
    # A clock that was ahead when it was asked last must not hide what happens until then.
    return max(min(float(last[0]), now) - AGAIN_SECONDS, now - FURTHEST_SECONDS) if last else None


def parts(events: Iterable[AnyEvent]) -> Iterator[list[AnyEvent]]:
    """So many calls a time, each with all its events: webhooks and clicks are written down in between."""
    calls: dict[str, list[AnyEvent]] = {}
    for event in events:
        calls.setdefault(event.ref, []).append(event)
    refs = list(calls)
    for first in range(0, len(refs), AT_ONCE):
        yield [event for ref in refs[first : first + AT_ONCE] for event in calls[ref]]


def of_age(events: Iterable[AnyEvent], before: float, *, old: bool) -> list[AnyEvent]:
    """The events of calls of which the last was before that moment (seconds since 1970 UTC), or of the others."""
    told = tuple(events)
    latest: dict[str, float] = {}
    for event in told:
        latest[event.ref] = max(latest.get(event.ref, 0), event.at)
    return [event for event in told if (latest[event.ref] < before) == old]
