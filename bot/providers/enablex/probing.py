"""Whether two parties of a call talk, which EnableX does not say when it is asked.

Two requests that change nothing are refused in ways that do: playing is refused with 6112 where two parties are joined
(asked for with a voice that there is not), taking off hold with 409 where they are not. Nobody can have put on hold
what is not known to be a talk.
"""

from collections.abc import Awaitable, Callable

from bot.call import Call
from bot.errors import Refused, Unavailable
from bot.events import CUSTOMER, AnyEvent, LegAnswered, LegEnded, Outcome

SILENCE = {"text": ".", "language": "en-US", "voice": "none"}
"""Something that is never played: there is no such voice."""
TALKING = "6112"
"""Code of the refusal to play anything while two parties are joined."""
ALONE = ("", "6114", "6117")
"""What is answered when there is only one: no refusal, "Play request pending", "Voice not supported"."""
FIRST_ASKED_SECONDS = 10.0
LONGEST_RING_SECONDS = 75.0
"""A phone that has rung for so long, and is in no talk, was not answered."""

Request = Callable[[Call], Awaitable[object]]


class Probe:
    """What is found out of the calls of one account, and remembered of it.

    Attributes:
        tells_talks: the account was seen to refuse playing into a talk.
    """

    def __init__(self, play: Request, resume: Request) -> None:
        """`play`: asks for `SILENCE`.  `resume`: takes off hold."""
        self._play = play
        self._resume = resume
        self.tells_talks = False
        self._alone: set[str] = set()  # ids of calls in which one of two was last seen to be alone

    async def second_leg(self, call: Call, now: float) -> tuple[AnyEvent, ...]:
        """Whether the second phone was answered, or has hung up since. `now`: seconds since 1970 UTC."""
        # Whoever talks comes first: another that rings is whom the call is transferred to, and the talk is not theirs.
        on = [leg for leg in call.legs if leg.answered_at and not leg.ended_at]
        on += [leg for leg in call.legs if leg.ringing_at and not leg.answered_at and not leg.ended_at]
        leg = next((leg for leg in on if leg.name == CUSTOMER or leg.name.startswith("ext:")), None)
        ref = call.refs[0]
        if leg is None or not call.live or call.purpose == "message":
            return ()
        if leg.answered_at:
            gone = not call.held and not call.transferred_to and await self._talk_is_over(call)
            return (LegEnded(ref=ref, at=now, leg=leg.name, outcome=Outcome.ANSWERED),) if gone else ()
        if now - leg.ringing_at < FIRST_ASKED_SECONDS:
            return ()
        if await self._ask(call) == TALKING:
            return (LegAnswered(ref=ref, at=now, leg=leg.name),)
        if now - leg.ringing_at < LONGEST_RING_SECONDS or await _refusal(self._resume(call)) != "409":
            return ()
        return (LegEnded(ref=ref, at=now, leg=leg.name, outcome=Outcome.NO_ANSWER),)

    async def _ask(self, call: Call) -> str:
        """The code that playing is refused with."""
        code = await _refusal(self._play(call))
        self.tells_talks = self.tells_talks or code == TALKING
        return code

    async def _talk_is_over(self, call: Call) -> bool:
        """Nobody's talk is ended on a guess: only where the account was seen to refuse playing into one, and twice.

        Twice, because a transfer that is being asked for parts the two before anybody knows of it.
        """
        ref, code = call.refs[0], await self._ask(call)
        alone = self.tells_talks and code in ALONE
        again = alone and ref in self._alone
        (self._alone.add if alone and not again else self._alone.discard)(ref)
        return again


async def _refusal(request: Awaitable[object]) -> str:
    """The code it is refused with, "" = it is not; no code of any where the answer does not tell."""
    try:
        await request
    except Refused as error:
        return error.code
    except Unavailable:
        return "unavailable"
    return ""
