"""Calls of which it is not known whether they were placed: what a crash left behind, and what the rep says of them."""

import sqlite3

import msgspec

from bot import numbers
from bot.board import Board
from bot.call import Call
from bot.errors import NotAllowed
from bot.events import NotPlaced, Outcome, Settled, State, Unclear
from bot.intents import CHANGE, CONDUCT, CONFERENCE, CONTROL, Ask
from bot.store import calls, ledger

ASKS = "Its card, in your conversation with Callboard, asks what became of it; it is not dialled again by itself."


def words(call: Call) -> str:
    """What whoever asked for a call is told of its order, "" = it was taken."""
    return f"{call.words} {ASKS}" if call.words and call.state is State.UNCLEAR else call.words


async def recover(board: Board) -> None:
    """At start: what a crash left behind is told, not repeated."""
    for intent in await board.read(ledger.open_intents):
        if intent.kind in (CONDUCT, CONTROL, CHANGE):
            continue  # the second half of a call, a third, or none: see bot/conducting.py, controlling.py, changing.py
        if intent.state == "written" and intent.call_id is None:
            what = "send the voice message" if intent.kind.startswith("voicemsg") else "place the call"
            if intent.kind == CONFERENCE:
                ask = msgspec.json.decode(intent.body, type=Ask)
                what = f"call {ask.name or numbers.pretty(ask.number)} into the conference"
            await board.tell(
                intent.rep,
                f"Callboard was restarted before it could {what} you asked for. Nothing was dialled; please ask again.",
                f"intent:{intent.key}",
            )
        elif intent.call_id is not None:
            call = await board.read(calls.get, intent.call_id)
            if call is not None and intent.state == "sending":
                words = "Callboard was restarted while the call was being placed; it may or may not be ringing."
                await board.ingest(call.account, [Unclear(at=board.now(), words=words)], call_id=call.id)
            elif call is not None:
                words = "Callboard was restarted before it could place this call. Nothing was dialled; call again."
                event = NotPlaced(at=board.now(), outcome=Outcome.NOT_PLACED, words=words)
                await board.ingest(call.account, [event], call_id=call.id)
        await board.write(ledger.finish_intent, intent.key)


async def settle(board: Board, call_id: str, user: str, outcome: Outcome) -> None:
    """A rep says what became of a call whose fate is unclear. The provider's own record still overrules them.

    Raises:
        NotFound: it is not on record any more.
        NotAllowed: not theirs to say; or it is known by now: somebody was faster, or the provider knows better.
    """
    call = await board.call(call_id)
    if call.rep != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only the rep who placed the call, or a manager, can say what became of it.")
    now = board.now()

    def write(db: sqlite3.Connection) -> list[calls.Change]:
        fresh = calls.get(db, call.id) or call
        if (fresh.settled_by, fresh.outcome) == (user, outcome):
            return []  # Slack has sent the press again
        if fresh.settled_by:
            raise NotAllowed(
                f"<@{fresh.settled_by}> has said already what became of this call. Nothing was changed; look at its "
                "card."
            )
        if fresh.state is not State.UNCLEAR or (outcome is Outcome.NOT_PLACED and fresh.refs):
            raise NotAllowed(
                "The phone service has told of this call meanwhile, so it was placed: look at its card. "
                "Nothing was changed."
            )
        ledger.audit(db, now, user, "settle unclear call", call.number, f"{call.id} {outcome}")
        said = Settled(at=now, by=user, outcome=outcome)
        return calls.ingest(db, call.account, [said], now=now, routing=board.routing, call_id=call.id)

    board.changed(change.call for change in await board.write(write))
