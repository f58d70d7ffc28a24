"""MTS Exolve Voice API: stored voice messages, sent to one number each; delivery is asked for, never told.

Source: "Voice API" of https://docs.exolve.ru (Russian), six methods. Whoever listens may press a digit and be put
through to a number; which digit was pressed is not reported anywhere.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import httpx
from typing_extensions import override

from bot import loose
from bot.call import Call
from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.events import Accepted, AnyEvent
from bot.orders import MessageOrder, NewTemplate, Template
from bot.provider import LIMITED, Provider, Setting, internal_error, left_open, limited, reason
from bot.providers.exolve.answers import digits, events_of, is_own, refusal, template_of, text_of, words_of

CREATE, LIST, INFO, DELETE = (f"/voice-message/v1/{name}" for name in ("Create", "GetList", "GetInfo", "Delete"))
SEND, CALL = "/call/v1/MakeVoiceMessage", "/call/v1/GetInfo"

LOOK = " Look whether the message is in its list first."
"""After an unclear answer to Create: nobody wants the same message there twice."""
WRONG: Mapping[str, str] = {
    SEND: "Check the recipient's number, the line it goes out from, and whether the stored message still exists.",
    CREATE: "Check its name, the number of its sound, and the number that it redirects to: 9 to 14 digits.",
}
"""Method -> what to do where something in the order is wrong, of which Exolve does not say what it is."""
FIRST_ASKED_SECONDS = 5.0
SLOWEST_SECONDS = 30.0


class Exolve(Provider):
    """One application of an MTS Exolve account.

    Attributes:
        clock: seconds since 1970 UTC.
    """

    title: ClassVar[str] = "MTS Exolve"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("api_key", "the application's API key, from the Exolve portal", secret=True),
        Setting("source", "the number that recipients see; yours at Exolve", default=""),
        Setting("url", "where the API is", default="https://api.exolve.ru"),
    )
    message_options: ClassVar[frozenset[str]] = frozenset({"template", "caller_id"})
    rings_back: ClassVar[bool] = False

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        super().__init__(account, values, http, region)
        self.clock: Callable[[], float] = time.time

    @override
    async def send_message(self, order: MessageOrder) -> Accepted:
        """Send a stored message. Source: method MakeVoiceMessage.

        Raises:
            Unsupported: no stored message is named, no number of ours is known, or an option it does not have.
        """
        self.refuse_unexpressible(order)
        source = order.caller_id or self.values["source"]
        if not order.template:
            raise Unsupported(f"{self.title} only sends stored messages, not texts. Choose one of its messages.")
        if not source:
            raise Unsupported(
                f"{self.title} must know which number to show. Choose a line, or set {self.account.upper()}_SOURCE."
            )
        body = {"source": digits(source), "destination": digits(order.number), "service_id": order.template}
        answer = await self._ask(SEND, body, dials=True)
        ref = text_of(answer.get("call_id"))
        if not ref:
            said = f" It said: {reason(words)}." if (words := words_of(answer)) else ""
            raise Ambiguous(f"{self.title} took the message but named no call; it may or may not be calling.{said}")
        return Accepted(ref=ref, at=self.clock())

    @override
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        """How a sent message stands. Source: call/v1/GetInfo. () = Exolve does not know the call."""
        ref = call.refs[0]
        try:
            answer = await self._ask(CALL, {"call_id": ref})
        except Refused as error:
            if error.code == "404" and is_own(error):
                return ()
            raise
        return events_of(answer, ref, self.clock())

    @override
    def poll_after(self, asked: int) -> float:
        """First after 5 s, then ever less often, every 30 s at last: a message that is not answered rings 60 s."""
        return min(FIRST_ASKED_SECONDS * 1.5**asked, SLOWEST_SECONDS)

    @override
    async def templates(self) -> tuple[Template, ...]:
        """Source: voice-message/v1/GetList."""
        answer = await self._ask(LIST, {})
        # Where JSON is made of protocol buffers, as 64-bit numbers in text suggest, a list without entries is left out.
        rows = answer.get("voice_message_list") or []
        if isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list):
            raise Unavailable(f"{self.title} sent no list where one was asked for. Try again in a minute.")
        found = [template_of(row) for row in rows if isinstance(row, dict)]
        return tuple(template for template in found if template.id)  # nothing can be done with one without

    @override
    async def template(self, template: str) -> Template:
        """Source: voice-message/v1/GetInfo."""
        return template_of(await self._ask(INFO, {"id": template}))

    @override
    async def create_template(self, new: NewTemplate) -> str:
        """Source: voice-message/v1/Create. `new.media`: the number of an uploaded sound.

        Raises:
            Unsupported: `new.media` is no number.
        """
        if not new.media.isascii() or not new.media.isdecimal():
            raise Unsupported(
                f"{self.title} names sounds by numbers, like 1967. Copy the sound's number from its portal."
            )
        body: dict[str, Any] = {"name": new.name, "media_id": int(new.media)}
        if new.redirect_number:
            body["redirect_info"] = {"digit": new.redirect_digit, "redirect_number": digits(new.redirect_number)}
        answer = await self._ask(CREATE, body)
        created = text_of(answer.get("id"))
        if not created:
            raise Unavailable(f"{self.title} did not name the new message. Look whether it is in its list.")
        return created

    @override
    async def delete_template(self, template: str) -> None:
        """Source: voice-message/v1/Delete."""
        await self._ask(DELETE, {"id": template})

    @override
    async def check(self) -> str:
        """Count the stored messages: the only question that changes nothing."""
        count = len(await self.templates())
        return f"{self.title} knows this key: {count} stored message{'' if count == 1 else 's'}."

    async def _ask(self, path: str, body: Mapping[str, Any], *, dials: bool = False) -> dict[str, Any]:
        request = self.http.build_request(
            "POST",
            self.values["url"].rstrip("/") + path,
            json=dict(body),
            headers={"authorization": f"Bearer {self.values['api_key']}"},
        )
        look = LOOK if path == CREATE else ""
        try:
            response = await self.send(request, dials=dials or bool(look), any_status=not dials)
        except Ambiguous as error:
            if dials:
                raise
            raise Unavailable(f"{self.title} did not answer. Try again in a minute.{look}") from error
        readable = True
        try:
            answer = loose.members(response.content, response.headers.get("content-type", ""))
        except (ValueError, RecursionError):
            answer, readable = {}, False
        told = f" ({reason(words)})" if (words := words_of(answer)) else ""
        if left_open(response.status_code):
            if dials:
                raise internal_error(self.title, response.status_code, dials=True)
            raise Unavailable(f"{self.title} answered with an internal error{told}. Try again in a minute.{look}")
        if response.status_code == LIMITED:
            raise limited(self.title, words)
        if response.status_code >= 300 or (answer.get("error") and not dials):
            raise refusal(self.title, self.account, response.status_code, answer, response.text, WRONG.get(path, ""))
        # An empty object is Delete's whole answer, and an empty list; anywhere else it lacks what was asked for.
        if response.status_code != 200 or not readable or (not answer and path not in (DELETE, LIST)):
            words = f"{self.title} gave an answer that cannot be read (HTTP {response.status_code})"
            if dials:
                raise Ambiguous(f"{words}; it may or may not be calling.")
            raise Unavailable(f"{words}. Try again in a minute.{look}")
        return answer


PROVIDER = Exolve
