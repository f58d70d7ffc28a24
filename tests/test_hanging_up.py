"""Who may hang up, and that the service is asked once unless that failed."""

import asyncio

import pytest
from typing_extensions import override

from bot import controlling, dialing
from bot.call import Call
from bot.errors import NotAllowed, NotFound, Unavailable
from bot.events import CallEnded
from tests.office import Office, PaperPhone
from tests.test_dialing import ask

NUMBER = "+12025550123"


async def test_who_may_hang_up(desk: Office) -> None:
    await desk.link("U1")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    with pytest.raises(NotAllowed, match="Only the rep"):
        await controlling.hang_up(desk.board, call.id, "U4")
    await controlling.hang_up(desk.board, call.id, "U2")  # a manager
    with pytest.raises(NotAllowed, match="already"):
        await controlling.hang_up(desk.board, call.id, "U1")
    await desk.board.ingest("voicenter", [CallEnded(ref="paper-1", at=desk.clock())])
    with pytest.raises(NotFound, match="already ended"):
        await controlling.hang_up(desk.board, call.id, "U1")
    with pytest.raises(NotFound, match="not on record"):
        await controlling.hang_up(desk.board, "nonsense", "U1")
    assert len(desk.phone.hung_up) == 1


async def test_two_who_hang_up_at_once_ask_the_provider_once(desk: Office) -> None:
    await desk.link("U1")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    found = await asyncio.gather(
        *(controlling.hang_up(desk.board, call.id, user) for user in ("U1", "U2", "U1")), return_exceptions=True
    )
    assert len(desk.phone.hung_up) == 1
    assert sum(isinstance(error, NotAllowed) for error in found) == 2


class DeafPhone(PaperPhone):
    """Cannot be reached for the first hang-up."""

    @override
    async def hang_up(self, call: Call) -> None:
        self.hung_up.append(call.id)
        if len(self.hung_up) == 1:
            raise Unavailable("Paperphone was not reached.")


async def test_a_hang_up_that_failed_may_be_tried_again(desk: Office) -> None:
    await desk.link("U1")
    deaf = DeafPhone("voicenter", desk.clock)
    desk.board.providers = {"voicenter": deaf}
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    with pytest.raises(Unavailable):
        await controlling.hang_up(desk.board, call.id, "U1")
    await controlling.hang_up(desk.board, call.id, "U1")
    assert deaf.hung_up == [call.id, call.id]
    await deaf.http.aclose()
