"""The queue of voice messages: whoever is due is called, one by one, through the gate.

Each recipient is taken from the queue in the same transaction that writes its call down, so a crash, a second worker or
*Stop* can come at any moment and nobody is called twice.
"""

import logging
import sqlite3

import msgspec

from bot import dialing, intents
from bot.board import Board, unexpected
from bot.call import Call
from bot.cards.said import Said
from bot.errors import CallboardError, NotNow
from bot.events import NotPlaced, Outcome, State
from bot.orders import MessageOrder
from bot.store import calls, ledger, messages
from bot.store.messages import Batch, Recipient

log = logging.getLogger("callboard.messaging")

UNREACHED_TRIES = 3
"""How often a message waits again because the provider was not reached, so that nothing can have rung."""
UNREACHED_SECONDS = 60.0
PATIENCE_SECONDS = 4.0
"""So long a round waits for a phone service; one that is slower goes on by itself, and the others have their rounds."""
read_said = msgspec.json.Decoder(Said).decode


class _NotTaken(Exception):
    """The recipient is not ours to send any more, or as many messages run as may at the same moment."""


def sending_accounts(board: Board, first: str = "") -> list[str]:
    """Accounts that can send voice messages, `first` before the others."""
    able = [name for name, provider in board.providers.items() if provider.can("send_message")]
    return sorted(able, key=lambda name: name != first)


def order_of(said: Said, call_id: str, number: str) -> MessageOrder:
    """The order of one message."""
    return MessageOrder(
        call_id=call_id,
        number=number,
        template=said.template,
        text=said.text,
        language=said.language,
        voice=said.voice,
        digits=said.digits,
        loop=said.loop,
        after=said.after,
        caller_id=said.line,
        caller_name=said.caller_name,
        caller_id_rule=said.caller_id_rule,
        ring_seconds=said.ring_seconds or None,
        max_seconds=said.max_seconds or None,
        record=said.record,
        dial_digits=said.dial_digits,
        collect_digits=said.keys,
        recognise=said.words,
        answer_seconds=said.answer_seconds or None,
        silence_seconds=said.silence_seconds or None,
    )


def watch(board: Board) -> None:
    """Send the next as soon as one is over."""

    def follow(call: Call) -> None:
        over = call.state in (State.ENDED, State.UNCLEAR) and call.outcome is not Outcome.NOT_PLACED
        if call.purpose == "message" and over:
            kick(board)

    board.followers.append(follow)


def kick(board: Board) -> None:
    """Look at the queue now, in the background."""
    board.spawn(due(board), _failed)


async def _failed(error: Exception) -> None:
    """A bug of ours, or the database: the next tick looks again."""
    log.error("The queue of voice messages could not go on.", exc_info=error)


async def due(board: Board) -> None:
    """Send whatever is due, account by account, as many at once as the settings allow."""
    able = sending_accounts(board)
    for recipient, account in await board.read(messages.lost, able, board.now()):
        words = (
            f"There is no telephony account “{account}” any more that sends voice messages, so nothing was sent. "
            "Send it again through another one."
        )
        await board.write(messages.refuse, recipient, words)
    await board.together([_serve(board, account) for account in able], PATIENCE_SECONDS)


async def _serve(board: Board, account: str) -> None:
    while await board.read(messages.running, account) < board.settings.messages.at_once:
        found = await board.read(messages.next_due, account, board.now())
        if found is None or not await _send(board, *found):
            return


async def _send(board: Board, batch: Batch, recipient: Recipient) -> bool:
    """Send to one. False: it is no use to go on right now."""
    call_id = calls.new_id(board.now())

    def take(db: sqlite3.Connection) -> None:
        busy = messages.running(db, batch.account) >= board.settings.messages.at_once
        if busy or not messages.take(db, recipient, call_id):
            raise _NotTaken

    def back(db: sqlite3.Connection) -> None:
        if recipient.tries < UNREACHED_TRIES:
            messages.put_back(db, call_id, board.now() + UNREACHED_SECONDS)

    order = order_of(read_said(batch.body), call_id, recipient.number)
    try:
        call = await dialing.send(board, batch.account, batch.by, recipient.name, order, take, back)
    except _NotTaken:
        return False
    except NotNow as error:
        await board.write(messages.defer, recipient, max(error.at, board.now() + 1))
    except CallboardError as error:
        await board.write(messages.refuse, recipient, str(error))
    except sqlite3.Error:
        raise  # of the database, not of this message: the next round tries again
    except Exception as error:  # a bug of ours must not keep the others waiting for ever
        await board.write(messages.refuse, recipient, unexpected(error))
    else:
        return call.outcome is not Outcome.NOT_PLACED
    return True


async def recover(board: Board) -> None:
    """At start, before `unclear.recover()`: messages that were written down but never left are sent after all."""
    now = board.now()
    for intent in await board.read(ledger.open_intents):
        if intent.kind != intents.MESSAGE or intent.state != "written" or intent.call_id is None:
            continue
        call_id, key = intent.call_id, intent.key
        words = "Callboard was restarted before it could send this message. Nothing was dialled."

        def back(db: sqlite3.Connection, call_id: str = call_id, key: str = key, words: str = words) -> None:
            call = calls.get(db, call_id)
            if call is not None and messages.put_back(db, call_id, now):
                event = NotPlaced(at=now, outcome=Outcome.NOT_PLACED, words=words)
                calls.ingest(db, call.account, [event], now=now, routing=board.routing, call_id=call_id)
                ledger.finish_intent(db, key)

        await board.write(back)
