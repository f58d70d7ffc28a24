"""A phone service of paper that plays messages: takes every order, and says of each what a test wants."""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from typing_extensions import override

from bot.errors import NotFound
from bot.events import (
    CUSTOMER,
    Accepted,
    AnyEvent,
    CallEnded,
    Heard,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Played,
)
from bot.orders import MessageOrder, NewTemplate, Template, options
from tests.office import Office, PaperPhone


class Speaker(PaperPhone):
    """`messages` is what was ordered; `answers` what happens instead of the next orders, `fault` instead of listing,
    `storing` instead of storing and deleting."""

    message_options: ClassVar[frozenset[str]] = frozenset(options(MessageOrder))

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.messages: list[MessageOrder] = []
        self.answers: list[Exception | None] = []
        self.fault: Exception | None = None
        self.storing: list[Exception] = []
        self.stored = {
            "7": Template(id="7", name="Welcome", media="1967", redirect_digit=1, redirect_number="+12025550100"),
            "8": Template(id="8", name="Order ready", media="1968", created_at=1_760_000_000),
        }

    @override
    async def send_message(self, order: MessageOrder) -> Accepted:
        self.refuse_unexpressible(order)
        self.messages.append(order)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return Accepted(ref=f"said-{len(self.messages)}", at=self.now())

    @override
    async def templates(self) -> tuple[Template, ...]:
        if self.fault is not None:
            raise self.fault
        return tuple(self.stored.values())

    @override
    async def template(self, template: str) -> Template:
        return self.stored[template]

    @override
    async def create_template(self, new: NewTemplate) -> str:
        if self.storing:
            raise self.storing.pop(0)
        self.stored["9"] = Template(id="9", **msgspec.structs.asdict(new))
        return "9"

    @override
    async def delete_template(self, template: str) -> None:
        if self.storing:
            raise self.storing.pop(0)
        if self.stored.pop(template, None) is None:
            raise NotFound("There is no such message.")


def speaker(desk: Office) -> Speaker:
    """The service behind an office."""
    assert isinstance(desk.phone, Speaker)
    return desk.phone


def rings(number: int, at: float) -> tuple[AnyEvent, ...]:
    """The phone of the so manieth order rings."""
    return (LegRinging(ref=f"said-{number}", at=at, leg=CUSTOMER),)


def hears(number: int, at: float, *, keys: str = "", phrase: str = "") -> tuple[AnyEvent, ...]:
    """The recipient of the so manieth order picks up, hears the message, perhaps answers, and hangs up."""
    ref = f"said-{number}"
    answer = (Heard(ref=ref, at=at + 8, digits=keys, phrase=phrase, play="p"),) if keys or phrase else ()
    return (
        *rings(number, at),
        LegAnswered(ref=ref, at=at + 2, leg=CUSTOMER),
        *answer,
        Played(ref=ref, at=at + 9, play="p", outcome=Outcome.ANSWERED),
        LegEnded(ref=ref, at=at + 10, leg=CUSTOMER, outcome=Outcome.ANSWERED),
        CallEnded(ref=ref, at=at + 10),
    )


def fails(number: int, at: float, outcome: Outcome) -> tuple[AnyEvent, ...]:
    """Nobody hears the so manieth order."""
    return (*rings(number, at), LegEnded(ref=f"said-{number}", at=at + 5, leg=CUSTOMER, outcome=outcome))
