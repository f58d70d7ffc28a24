"""Click 2 Call: two parties joined, a message played, somebody called into a conference, and hanging up.

One address for all four, told apart by `action`. Source: "API Documentation" rev. 3.2, chapter 1;
https://www.voicenter.com/API/click-to-call. Options that are not chosen are left to Voicenter's defaults: phones ring
60 s and a call lasts 7200 s at most, but 30 s and 30 s for messages and conferences.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from typing_extensions import override

from bot.call import Call
from bot.errors import Ambiguous, Unavailable, Unsupported
from bot.events import Accepted
from bot.orders import CallOrder, ConferenceOrder, MessageOrder
from bot.provider import internal_error, left_open, reason

from .account import Account
from .fields import Fields, is_extension
from .replies import UNREADABLE, http_refusal, named_values, refusal

CLICK2CALL = "/ForwardDialer/click2call.aspx"
MAX_VARIABLES = 10
"""`var_*` in one order; one of them is `OURS`."""
OURS = "callboard"
"""Our call id travels as `var_callboard` and comes back with pop-up and CDR."""

HINTS = {
    1: "Check the number, the phone or recording, and the account's code.",
    2: "Try again in a minute, and ask Voicenter if it stays like this.",
    3: "That phone is not connected: switch it on or sign in to it, or let another phone ring.",
    4: "Whoever administers the Voicenter account must allow click-to-call for that extension; "
    "until then let another phone ring.",
}
"""What to do next about an order, by ERRORCODE. The words before it are Voicenter's own."""
HANG_UP_HINT = "If the call goes on, hang up on the phone."
LOOK = "Look at your phone before you try again."


class Click2Call(Account):
    """Chapter 1."""

    order_options: ClassVar[frozenset[str]] = frozenset(
        {
            *("caller_id", "caller_name", "rep_caller_id", "rep_caller_name", "record", "max_seconds"),
            *("rep_ring_seconds", "ring_seconds", "rep_auto_answer", "auto_answer", "rep_must_be_online"),
            *("number_must_be_online", "language", "voicemail", "variables"),
        }
    )
    message_options: ClassVar[frozenset[str]] = frozenset(
        {
            *("template", "digits", "loop", "after", "caller_id", "caller_name", "ring_seconds", "max_seconds"),
            *("record", "auto_answer"),
        }
    )
    conference_options: ClassVar[frozenset[str]] = frozenset(
        {"caller_id", "caller_name", "ring_seconds", "max_seconds", "auto_answer"}
    )
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number", "extension", "login", "trunk"})

    @classmethod
    @override
    def wrong_options(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        """Variables: too many of them, or one that takes the name of ours."""
        variables = given.get("variables") or {}
        if OURS in variables:
            return {"variables": f"“{OURS}” is what Callboard's own id of a call is called. Name yours otherwise."}
        if len(variables) >= MAX_VARIABLES:
            return {
                "variables": f"There are {len(variables)}, and {cls.title} carries {MAX_VARIABLES - 1} beside ours."
                f" Remove {len(variables) - MAX_VARIABLES + 1}."
            }
        return {}

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        """action=call: ring the rep, then the number. Chapters 1.1, 1.2 and 1.6."""
        self.refuse_unexpressible(order)
        return await self._order(call_form(order))

    @override
    async def send_message(self, order: MessageOrder) -> Accepted:
        """action=message: stored recordings, and digits read out one by one. Chapter 1.3."""
        self.refuse_unexpressible(order)
        return await self._order(message_form(order))

    @override
    async def join_conference(self, order: ConferenceOrder) -> Accepted:
        """action=callference. Chapter 1.4."""
        self.refuse_unexpressible(order)
        return await self._order(conference_form(order))

    async def _order(self, form: dict[str, str]) -> Accepted:
        response = await self.send(self._request(form), dials=True, any_status=True)
        return Accepted(ref=call_ref(response, self.account), at=self.clock())

    @override
    async def hang_up(self, call: Call) -> None:
        """action=terminate: Voicenter ends what an extension is in, not a call. Chapter 1.5.

        Raises:
            Unsupported: the call rang no extension, so there is nothing to name.
        """
        extension = _extension_on(call)
        if not extension:
            raise Unsupported(
                "Voicenter can only hang up its own extensions, and this call is not on one as far as it has told. "
                "Hang up on the phone itself."
            )
        request = self._request({"action": "terminate", "phone": extension})
        terminated(await self.send(request, any_status=True), self.account)

    @override
    def can_hang_up(self, call: Call) -> bool:
        """Only calls on an extension that we know can be ended."""
        return bool(_extension_on(call))

    @override
    def ends_too(self, call: Call, other: Call) -> bool:
        """What the same extension is in."""
        extension = _extension_on(call)
        return bool(extension) and extension == _extension_on(other)

    def _request(self, form: dict[str, str]) -> httpx.Request:
        told = {"code": self.values["code"], **form, "format": self.values["reply_format"]}
        return self.post("click2call_url", CLICK2CALL, told)


def call_form(order: CallOrder) -> dict[str, str]:
    """The form of `action=call`, as the order says it.

    Raises:
        Unsupported: more custom values than Voicenter carries.
    """
    variables = {name: value for name, value in order.variables.items() if name != OURS}
    if len(variables) >= MAX_VARIABLES:
        raise Unsupported(
            f"Voicenter carries at most {MAX_VARIABLES} custom values with a call and Callboard needs one of them, "
            f"but this call has {len(variables)}. Leave out {len(variables) - MAX_VARIABLES + 1}."
        )
    phone = {"extension": order.rep.value, "trunk": "SIPTRUNK", "login": "logincode"}
    form = {
        "action": "call",
        "phone": phone.get(order.rep.kind, _plain(order.rep.value)),
        "phonelogincode": order.rep.value if order.rep.kind == "login" else "",
        "target": _plain(order.number),
        "record": _yes(order.record),
        "phonecallerid": _plain(order.rep_caller_id),
        "phonecallername": order.rep_caller_name,
        "targetcallerid": _plain(order.caller_id),
        "targetcallername": order.caller_name,
        "phonemaxdialtime": _whole(order.rep_ring_seconds),
        "targetmaxdialtime": _whole(order.ring_seconds),
        "maxduration": _whole(order.max_seconds),
        "phoneautoanswer": _yes(order.rep_auto_answer),
        "targetautoanswer": _yes(order.auto_answer),
        "checkphonedevicestate": _yes(order.rep_must_be_online),
        "checktargetdevicestate": _yes(order.number_must_be_online),
        "language": order.language,
        "vm_id": order.voicemail,
        f"var_{OURS}": order.call_id,
    }
    return _chosen(form) | {f"var_{name}": value for name, value in variables.items()}


def message_form(order: MessageOrder) -> dict[str, str]:
    """The form of `action=message`, as the order says it. It carries no custom values.

    Raises:
        Unsupported: nothing would be heard.
    """
    if not (order.template or order.digits or order.loop or order.after):
        raise Unsupported(
            "Voicenter would call and play nothing, so nobody was called. Name a recording of the account, or digits "
            "to be read out."
        )
    return _chosen(
        {
            "action": "message",
            "phone": _plain(order.number),
            "pre_rec": order.template,
            "Dtmf": order.digits,
            "loop_rec": order.loop,
            "post_rec": order.after,
            "Record": _yes(order.record),
            **_one_party(order),
        }
    )


def conference_form(order: ConferenceOrder) -> dict[str, str]:
    """The form of `action=callference`, as the order says it. It carries no custom values.

    Raises:
        Unsupported: a phone that only `action=call` can ring.
    """
    if order.phone.kind not in ("number", "extension"):
        raise Unsupported(
            f"Voicenter cannot ring a {order.phone.kind} for a conference, so nobody was called. "
            "Give a number or an extension."
        )
    return _chosen(
        {
            "action": "callference",
            "phone": _plain(order.phone.value),
            "bbbcode": order.conference,
            **_one_party(order),
        }
    )


def _one_party(order: MessageOrder | ConferenceOrder) -> dict[str, str]:
    """What messages and conferences have in common: there is only one phone, yet its caller ID is the "target's"."""
    return {
        "targetcallerid": _plain(order.caller_id),
        "targetcallername": order.caller_name,
        "phonemaxdialtime": _whole(order.ring_seconds),
        "maxduration": _whole(order.max_seconds),
        "phoneautoanswer": _yes(order.auto_answer),
    }


def call_ref(response: httpx.Response, account: str) -> str:
    """CALLID of an accepted order.

    Raises:
        Refused: with Voicenter's code and words.  Ambiguous: the reply leaves open whether it dials.
    """
    reply = _reply(response, account, dials=True)
    code = None if reply is None else reply.number("errorcode")
    if reply is None or code is None:
        raise Ambiguous(f"Voicenter's answer cannot be read, so it may or may not be calling. {LOOK}")
    ref = reply.text("callid")
    if code == 0 and not ref:
        raise Ambiguous(f"Voicenter accepted the call without naming it, so it may or may not be calling. {LOOK}")
    if code != 0 and ref:
        words = reason(reply.text("errormessage"))
        raise Ambiguous(f"Voicenter reported an error ({words}) and yet named a call; it may be calling. {LOOK}")
    if code != 0:
        hint = HINTS.get(int(code), "Ask Voicenter what this code means.")
        raise refusal(int(code), reply.text("errormessage"), hint)
    return ref


def terminated(response: httpx.Response, account: str) -> None:
    """Whether a hang-up was accepted.

    Raises:
        Refused: with Voicenter's code and words.  Unavailable: the reply does not tell.
    """
    reply = _reply(response, account, dials=False)
    code = None if reply is None else reply.number("errorcode")
    if reply is None or code is None:
        raise Unavailable(f"{UNREADABLE} {HANG_UP_HINT}")
    if code != 0:
        raise refusal(int(code), reply.text("errormessage"), HANG_UP_HINT)


def _reply(response: httpx.Response, account: str, *, dials: bool) -> Fields | None:
    """The reply's members in whichever format it came; None where it is in neither.

    HTTP 5xx with an "OK" is no reply either, nor what a gateway says that gave up.
    """
    reply = named_values(response)
    told = None if reply is None else reply.number("errorcode")
    if left_open(response.status_code) and not told:
        raise internal_error("Voicenter", response.status_code, dials=dials)
    if response.status_code >= 300 and not told:
        raise http_refusal(response, account, "CLICK2CALL_URL")
    return reply


def _extension_on(call: Call) -> str:
    """Where a call is now: whoever has handed it on may be in another one by this time."""
    talking = [leg for leg in call.legs if leg.extension and leg.answered_at and not leg.ended_at]
    on = max(talking, key=lambda leg: (leg.answered_at, leg.name)).extension if talking else ""
    left = {leg.extension for leg in call.legs if leg.ended_at} - {on} if call.live else set[str]()
    codes = (on, call.extension, call.rep_phone)
    return next((code for code in codes if is_extension(code) and code != "SIPTRUNK" and code not in left), "")


def _chosen(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if value}


def _plain(number: str) -> str:
    """E.164 without its plus; extension codes as they are."""
    return number.removeprefix("+")


def _yes(wanted: bool) -> str:
    return "true" if wanted else ""


def _whole(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds)
