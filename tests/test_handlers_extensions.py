"""`/phone extensions`: what is listed, what is found, and who cannot list any."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from bot.errors import CallboardError, Unavailable
from bot.orders import Extension
from tests.office import Office, PaperPhone


class Switchboard(PaperPhone):
    """Lists its extensions; `fault` is raised instead."""

    title: ClassVar[str] = "Switchboard"
    people: tuple[Extension, ...] = (
        Extension(code="BBPINFzM", name="Stores", speed_dial="302", owner="Branch", device="Unknown"),
        Extension(code="AAPINFzL", name="Desk 1", speed_dial="301", person="Dana Ort", device="Reachable", busy=True),
    )
    fault: CallboardError | None = None
    everything: bool | None = None

    @override
    async def extensions(self, everything: bool = False) -> tuple[Extension, ...]:
        self.everything = everything
        if self.fault is not None:
            raise self.fault
        return self.people


@pytest.fixture
async def board(desk: Office) -> AsyncIterator[Switchboard]:
    there = Switchboard("board", desk.clock)
    desk.board.providers = {"board": there, "voicenter": desk.phone}
    yield there
    await there.http.aclose()


async def test_who_has_which_extension_and_what_it_is_doing(desk: Office, board: Switchboard) -> None:
    await desk.link("U2", phone="AAPINFzL", phone_kind="extension", extension="AAPINFzL", account="board")
    told = await desk.type("/phone extensions")
    assert "Desk 1 · AAPINFzL · short number 301 · <@U2> · Dana Ort · reachable · on a call" in told
    assert "Stores · BBPINFzM · short number 302 · unknown" in told
    assert told.index("Desk 1") < told.index("Stores")
    assert "Branch" not in told
    assert board.everything is False


@pytest.mark.parametrize("wanted", ["dana", "DESK", "301", "aapin"])
async def test_one_is_found_by_whatever_is_known_of_it(desk: Office, board: Switchboard, wanted: str) -> None:
    told = await desk.type(f"/phone extensions {wanted} via Board")
    assert "Desk 1" in told
    assert "Stores" not in told
    assert "None is called that." in await desk.type("/phone extensions nobody")


async def test_one_is_found_without_the_letters_that_a_keyboard_lacks(desk: Office, board: Switchboard) -> None:
    board.people = (Extension(code="A1", name="Büro Süd"), Extension(code="A2", name="Empfang"))
    for wanted in ("büro", "buro", "buero sued"):
        told = await desk.type(f"/phone extensions {wanted}")
        assert "Büro Süd" in told, wanted
        assert "Empfang" not in told


async def test_those_of_accounts_below_are_named_by_their_account(desk: Office, board: Switchboard) -> None:
    told = await desk.type("/phone extensions all stores")
    assert board.everything is True
    assert "Stores · BBPINFzM · short number 302 · Branch · unknown" in told
    assert "Desk 1" not in told


async def test_a_large_office_is_searched(desk: Office, board: Switchboard) -> None:
    board.people = tuple(Extension(code=f"CODE{n}", name=f"Desk {n:03}") for n in range(100))
    told = await desk.type("/phone extensions")
    assert "Desk 039" in told
    assert "Desk 040" not in told
    assert "And 60 more: /phone extensions NAME" in told.replace("`", "")


async def test_a_name_from_outside_calls_nobody(desk: Office, board: Switchboard) -> None:
    board.people = (Extension(code="A<!here>", name="<!channel> *x*", person="<@U9>", device="<!here>", owner="&"),)
    told = await desk.type("/phone extensions all")
    assert "channel" in told
    assert not any(token in told for token in ("<!channel>", "<!here>", "<@U9>"))


async def test_a_service_that_cannot_say_it_says_why(desk: Office, board: Switchboard) -> None:
    board.fault = Unavailable("Switchboard did not answer. Try again in a minute.")
    assert "Switchboard did not answer. Try again in a minute." in await desk.type("/phone extensions")
    told = await desk.type("/phone extensions via voicenter")
    assert "Paperphone cannot list its extensions, so there is nothing to show." in told
    desk.board.providers = {"voicenter": desk.phone}
    assert "Paperphone cannot list its extensions" in await desk.type("/phone extensions")
    assert "Choose one of" in await desk.type("/phone extensions via carrier")
