"""`/call conference`: everybody who is named is called into it, each through the gate."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from bot import conferences, dialing, gathering, unclear
from bot.cards import who as shown
from bot.errors import CallboardError, NeedsYes
from bot.intents import Ask
from handlers import Click, Desk, tell

AskFirst = Callable[[Desk, Click, Ask, str], Awaitable[None]]


async def call_in(desk: Desk, click: Click, said: gathering.ConferenceText, ask_first: AskFirst) -> None:
    """One after the other; then say once how it goes with each. `ask_first`: puts a question of the policy."""
    board = desk.board
    try:
        asks = await conferences.asks(board, click.user, said)
    except Exception:
        await dialing.drop(board, click.trigger)
        raise
    keys = await conferences.promise(board, click.trigger, asks)
    told = [f"Conference {said.code}:"]
    failed: list[Exception] = []
    for key, ask in zip(keys, asks, strict=True):
        party = shown(ask.number, ask.name, None)
        try:
            call = await dialing.dial(board, key, ask)
        except NeedsYes as question:
            await dialing.drop(board, key)
            # In their conversation, where each question has its own button.
            apart = replace(click, response_url="", trigger=key)
            await ask_first(desk, apart, replace(ask, confirmed=True), str(question))
            told.append(f"• {party}: not called yet, you are asked in your conversation with Callboard.")
        except CallboardError as error:
            await dialing.drop(board, key)
            told.append(f"• {party}: {error}")
        except Exception as error:  # a bug of ours with one must not keep the others waiting
            await dialing.drop(board, key)
            failed.append(error)
            told.append(f"• {party}: not called.")
        else:
            told.append(f"• {party}: {unclear.words(call) or 'ringing.'}")
    await tell(desk, click, "\n".join(told))
    if failed:
        raise failed[0]
