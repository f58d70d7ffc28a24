"""Calls added to a campaign: read and judged, shown for approval, sent in chunks, each row at most once.

A row is marked "sending" before the service is asked and settled after it has answered. What a lost answer or a crash
leaves behind is looked for among the calls that wait in the campaign; what is not found there is *unclear* and never
sent again.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

import msgspec

from bot import approval, bulk, campaigns, judging, numbers
from bot.board import Board, notice
from bot.bulk import Plan, Row
from bot.campaigns import Found
from bot.cards import plain
from bot.cards.times import counted
from bot.errors import Ambiguous, CallboardError, NotAllowed, NotFound, Unavailable, Unsupported
from bot.operations import operations
from bot.orders import Added, CampaignCall
from bot.provider import Provider
from bot.store import campaigns as store
from bot.store import cards, ledger
from bot.store.campaigns import Batch

log = logging.getLogger("callboard.batches")

PATIENCE = 5
"""Refusals in a row after which single orders pause: then it is not the numbers that are wrong."""
LOST = "Callboard was stopped before the answer came"
NOT_TOLD = "the phone service took the order, but did not say what became of this call"
WAITING = "waits in the campaign already"
LISTED = "on the do-not-call list since the file was read"

_Result = tuple[int, str, str]


async def prepare(board: Board, user: str, found: Found, data: bytes, source: str, batch: str) -> None:
    """Read a file and show what is in it. Nothing is sent. `batch`: its id, the same for the same asking.

    Raises:
        NotAllowed: not a manager, or this was asked before.  Unsupported: the service takes no calls.
        BadInput: the file cannot be used; says why.
    """
    _check(board, user, found.provider)
    new = Batch(
        id=batch, account=found.account, campaign=campaigns.key(found.campaign), name=found.campaign.name,
        source=source[:200] or "pasted rows", by=user, at=board.now(), state="reading",
    )  # fmt: skip
    if not await board.write(store.create, new):
        raise NotAllowed("That file was sent before; it was not read a second time. Its card is in your conversation.")
    try:
        plan, notes = await _plan(board, user, found)
        checked = await judging.read(data, plan)
        for piece in checked.pieces:
            await board.write(store.add_rows, batch, piece)
    except Exception:
        await board.write(store.forget, batch)
        raise
    notes += judging.notes(checked)
    await board.write(store.move, batch, ("reading",), "preview", board.now(), notes="\n".join(notes))


async def add_one(board: Board, user: str, found: Found, call: CampaignCall, typed: str, batch: str) -> str:
    """Add one call, the same way. Returns what became of it, a sentence.

    Raises:
        NotAllowed: not a manager, asked before, or the policy forbids the number.  Unsupported: the service cannot.
    """
    _check(board, user, found.provider)
    plan, _ = await _plan(board, user, found)
    state, why = bulk.judge(call, typed, plan)
    if state != "ready":
        raise NotAllowed(f"{typed or call.number} was not added to {found.campaign.name}: {why.rstrip('.')}.")
    new = Batch(
        id=batch, account=found.account, campaign=campaigns.key(found.campaign), name=found.campaign.name,
        source="", by=user, at=board.now(), state="adding",
    )  # fmt: skip

    def write(db: sqlite3.Connection) -> bool:
        if not store.create(db, new):
            return False
        store.add_rows(db, batch, msgspec.json.encode([Row(1, "ready", typed or call.number, "", call)]))
        return True

    if not await board.write(write):
        raise NotAllowed("That was asked before, so it was not done a second time.")
    await run(board, batch)
    return await _fate(board, new)


async def begin(board: Board, user: str, batch: str) -> bool:
    """*Add N calls*: from now on it goes by itself, also after a crash. False: somebody pressed it before.

    Where a list calls many, a second manager is asked first.

    Raises:
        NotAllowed: they are no manager, or nobody else could say yes.
    """
    campaigns.check_manager(board, user, "add calls to campaigns")
    found = await _get(board, batch)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        count = store.counts(db, batch).get("ready", 0)
        # What was approved once and is paused goes on.
        hold = found.state == "preview" and approval.needed(board.settings, count)
        if hold:
            approval.check_anybody(board.settings, found.by)
        if not store.move(db, batch, (found.state,), "asked" if hold else "adding", now):
            return False
        told = f"{found.account}: {found.name} {found.source}, {counted(count, 'call')}"
        ledger.audit(db, now, user, "add campaign calls", found.name, f"{told}, waits for approval" if hold else told)
        if hold:
            where = f"the campaign {plain(found.name)} of {board.title(found.account)}"
            first = [(call.number, call.name) for *_, call in store.some(db, batch, "ready", approval.SHOWN) if call]
            calls = counted(count, "call")
            wish = f"add {calls} to {where}, from {plain(found.source)}.\nTo {approval.some(first, count)}."
            approval.ask(db, board, "campaign", batch, found.by, wish)
        return True

    return found.state in ("preview", "paused") and await board.write(write)


async def approve(board: Board, user: str, batch: str) -> None:
    """A second manager says yes: from now on it goes by itself.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    found = await _get(board, batch)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        if not store.move(db, batch, ("asked",), "adding", now):
            return False
        count = store.counts(db, batch).get("ready", 0)
        told = f"{found.account}: {found.name} {found.source}, {counted(count, 'call')}"
        ledger.audit(db, now, user, "approve campaign calls", found.name, told)
        calls = f"{counted(count, 'call')} for the campaign {plain(found.name)}"
        approval.close(db, board, batch, f"<@{user}> approved <@{found.by}>'s {calls}. They are being added.")
        return True

    await approval.decide(board, user, found.by, write)


async def refuse(board: Board, user: str, batch: str, why: str) -> None:
    """A second manager says no: nothing is added.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    found = await _get(board, batch)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        if not store.move(db, batch, ("asked",), "dropped", now, words=f"<@{user}> did not approve it: {why}"):
            return False
        store.give_up(db, batch, LOST)
        told = f"{found.account}: {found.name} {found.source}: {why}"
        ledger.audit(db, now, user, "refuse campaign calls", found.name, told)
        text = f"<@{user}> refused <@{found.by}>'s calls for the campaign {plain(found.name)}: {why}"
        approval.close(db, board, batch, text)
        # Slack tells nobody of a card that is edited.
        told = f"<@{user}> did not approve your calls for {plain(found.name)}, so none was added: {why}"
        cards.mark(db, "notice", f"refused:{batch}", f"@{found.by}", now, notice(told))
        return True

    await approval.decide(board, user, found.by, write)


async def run(board: Board, batch: str) -> None:
    """Send what is left of a batch, chunk by chunk; its card shows how it goes. One at a time for each batch."""
    mark = f"batch {batch}"
    # Again where somebody paused it and went on before this run had noticed either.
    while (found := await _get(board, batch)).state == "adding" and mark not in board.acting:
        board.acting[mark] = "adding calls"
        try:
            await _run(board, found)
        finally:
            del board.acting[mark]


async def stop(board: Board, user: str, batch: str, *, drop: bool) -> bool:
    """Pause it after the chunk that is on its way, or drop what was not sent. False: it is not under way."""
    campaigns.check_manager(board, user, "stop adding calls to campaigns")
    found = await _get(board, batch)
    now = board.now()

    def write(db: sqlite3.Connection) -> bool:
        fresh = store.get(db, batch)  # a second manager may have been asked since it was looked at
        before: tuple[store.BatchState, ...] = ("preview", "asked", "paused") if drop else ("adding",)
        if not store.move(db, batch, before, "dropped" if drop else "paused", now, words=f"<@{user}> stopped it."):
            return False
        if drop:
            store.give_up(db, batch, LOST)
            if fresh is not None and fresh.state == "asked":
                text = f"<@{user}> took the calls for {plain(found.name)} back; nothing was added."
                approval.close(db, board, batch, text)
        what = "drop campaign calls" if drop else "pause campaign calls"
        ledger.audit(db, now, user, what, found.name, f"{found.account}: {found.name} {found.source}")
        return True

    return await board.write(write)


async def recover(board: Board) -> None:
    """At start: what was approved goes on; what nobody knows is looked up, never sent again."""
    await asyncio.gather(*(_resume(board, batch) for batch in await board.read(store.unfinished)))


async def _resume(board: Board, batch: Batch) -> None:
    if batch.state == "reading":
        await board.write(store.forget, batch.id)
        words = f"Callboard was restarted while it read {batch.source}. Nothing was added; send the file again."
        await board.tell(batch.by, words, f"batch:{batch.id}")
        return
    try:
        await run(board, batch.id)
        if not batch.source:
            await board.tell(batch.by, f"After a restart: {await _fate(board, batch)}", f"batch:{batch.id}")
    except Exception:  # the others must go on
        log.exception("Batch %s could not be resumed.", batch.id)
        await _pause(board, batch, "Callboard was restarted and could not go on.")


async def failed(error: Exception) -> None:
    """What `recover()` could not even begin."""
    log.error("Lists of calls could not be resumed.", exc_info=error)


async def _run(board: Board, batch: Batch) -> None:
    try:
        found = await campaigns.by_value(board, f"{batch.account} {batch.campaign}")
        _check_able(found.provider)
    except CallboardError as error:
        await _pause(board, batch, str(error))
        return
    provider, code = found.provider, found.campaign.code
    await _look_around(board, batch, provider, code)
    many = provider.can("add_campaign_calls") and bool(batch.source or not provider.can("add_campaign_call"))
    size = max(1, provider.bulk_rows) if many else 1
    refusals = 0
    while rows := await board.write(store.take, batch.id, size, LISTED):
        results, trouble = await _send(provider, code, rows, many=many)
        await board.record(store.settle, batch.id, results, board.now())
        whole = all(state == "rejected" for _, state, _ in results)
        refusals = refusals + 1 if whole else 0
        if trouble and (many or not whole or refusals >= PATIENCE):
            await _pause(board, batch, trouble)
            return
    await board.write(_finish, batch.id, board.now())


async def _look_around(board: Board, batch: Batch, provider: Provider, code: str) -> None:
    """What waits in the campaign by now: of rows whose answer never came, and of those that others have added since."""
    lost = await board.read(store.sending, batch.id)
    if not lost and not batch.source:
        return  # a call by hand that has just been looked for
    waiting = await _waiting(provider, code)
    results = [(line, *(("added", "") if number in waiting else ("unclear", LOST))) for line, number in lost]
    await board.record(store.settle, batch.id, results, board.now())
    await board.write(store.leave_out, batch.id, await board.read(store.ready_among, batch.id, waiting), WAITING)


async def _waiting(provider: Provider, code: str) -> frozenset[str]:
    """Numbers that wait in the campaign; empty where that cannot be told."""
    if not provider.can("campaign_calls"):
        return frozenset()
    try:
        return frozenset(call.number for call in await provider.campaign_calls(code))
    except CallboardError:
        return frozenset()


def _finish(db: sqlite3.Connection, batch: str, now: float) -> None:
    counts = store.counts(db, batch)
    if counts.get("ready") or not store.move(db, batch, ("adding",), "done", now):
        return
    found = store.get(db, batch)
    assert found is not None
    if found.source and any(counts.get(state) for state in store.REFUSED):
        store.want_report(db, batch)
    _audit(db, found, now)


def _audit(db: sqlite3.Connection, batch: Batch, now: float) -> None:
    """What became of it. A number is only the subject of a line, where it can be found to be forgotten."""
    told = ", ".join(f"{count} {state}" for state, count in sorted(store.counts(db, batch.id).items()))
    what, subject = "added campaign calls", batch.name
    if not batch.source:
        what, subject = "add campaign call", store.number_of(db, batch.id)
    ledger.audit(db, now, batch.by, what, subject, f"{batch.account}: {batch.name}: {told}")


async def _send(
    provider: Provider, code: str, rows: Sequence[tuple[int, CampaignCall]], *, many: bool
) -> tuple[list[_Result], str]:
    """One order. Returns what became of each row, and what went wrong with the whole, "" = nothing."""
    calls = tuple(call for _, call in rows)
    trouble = ""
    results: list[_Result] = []
    try:
        if many:
            answers = await provider.add_campaign_calls(code, calls)
        else:
            await provider.add_campaign_call(code, calls[0])
            answers = (Added(number=calls[0].number),)
    except Unavailable as error:
        return [(line, "ready", "") for line, _ in rows], str(error)
    except Ambiguous as error:
        trouble = str(error)
    except CallboardError as error:
        return [(line, "rejected", str(error)) for line, _ in rows], str(error)
    except Exception as error:  # a bug of ours after the order may have left: nobody knows, so nobody repeats
        log.exception("Adding calls to a campaign failed unexpectedly.")
        trouble = f"Callboard failed while adding calls ({type(error).__name__}); the log says more."
    else:
        if len(answers) == len(rows):
            results = [(line, *_became(answer)) for (line, _), answer in zip(rows, answers, strict=True)]
        else:
            sent = counted(len(rows), "call")
            trouble = f"{provider.title} told of {len(answers)} of {sent}, so it is unclear what it took."
    results = results or [(line, "unclear", trouble) for line, _ in rows]
    if any(state == "unclear" for _, state, _ in results):
        # Numbers that waited before were left out of the list, so what waits now is ours. What does not wait may have
        # been dialled already: it stays unclear.
        waiting = await _waiting(provider, code)
        results = [
            (line, "added", "") if state == "unclear" and call.number in waiting else (line, state, why)
            for (line, state, why), call in zip(results, calls, strict=True)
        ]
    return results, trouble


def _became(answer: Added) -> tuple[str, str]:
    """State and reason of a row, from the service's answer about it."""
    if not answer.known:
        return "unclear", NOT_TOLD
    return ("rejected", answer.words or answer.code) if answer.words or answer.code else ("added", "")


async def _pause(board: Board, batch: Batch, words: str) -> None:
    words = board.settings.renamed(words)

    def pause(db: sqlite3.Connection) -> None:
        if batch.source:
            store.move(db, batch.id, ("adding",), "paused", board.now(), words=words)
        else:  # a call by hand is not kept for later: whoever asked for it is told, and can ask again
            store.move(db, batch.id, ("adding",), "dropped", board.now(), words=words)
            store.give_up(db, batch.id, LOST)
            _audit(db, batch, board.now())

    await board.write(pause)


async def _fate(board: Board, batch: Batch) -> str:
    """What became of a call by hand, a sentence."""
    (state,) = await board.read(store.counts, batch.id)
    ((_, typed, why, _), *_) = await board.read(store.some, batch.id, state, 1)
    now = await board.read(store.get, batch.id)
    why = why or (now.words if now else "")
    if state == "added":
        return f"{numbers.pretty(await board.read(store.number_of, batch.id))} waits in {batch.name} now."
    if state == "unclear":
        look = f"Look with `/campaign pending {batch.name}` before you add it again."
        return f"{typed} may or may not have been added to {batch.name}. {why} {look}"
    return f"{typed} was not added to {batch.name}. {why}"


def _check(board: Board, user: str, provider: Provider) -> None:
    campaigns.check_manager(board, user, "add calls to campaigns")
    _check_able(provider)


def _check_able(provider: Provider) -> None:
    if not (provider.can("add_campaign_call") or provider.can("add_campaign_calls")):
        raise Unsupported(f"{provider.title} cannot {operations()['add_campaign_call']}. Nothing was done.")


async def _plan(board: Board, user: str, found: Found) -> tuple[Plan, list[str]]:
    """What rows are judged by, and what could not be found out."""
    waiting: frozenset[str] = frozenset()
    notes: list[str] = []
    if found.provider.can("campaign_calls"):
        try:
            waiting = frozenset(call.number for call in await found.provider.campaign_calls(found.campaign.code))
        except CallboardError as error:
            notes.append(f"Which numbers wait in the campaign already is not known: {error}")
    return await judging.plan(board, user, waiting), notes


async def _get(board: Board, batch: str) -> Batch:
    found = await board.read(store.get, batch)
    if found is None:
        raise NotFound("That list of calls is not on record any more. Nothing was done.")
    return found
