"""CallGear Call API v4.0 (sold also as UIS, CoMagic and Novofon: the same API on other hosts).

JSON-RPC 2.0; the only service here with complete control of a running call. Source: "Call API" and
https://callgear.github.io/call_api/; start with `rpc.py` (how it is spoken to), then `notifications.py` (what it
tells) and `starts.py` (the five ways to begin a call).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from typing_extensions import override

from bot.call import Call
from bot.errors import Ambiguous, ProviderError, Refused, SettingsError, Unavailable, Unsupported
from bot.events import Accepted, AnyEvent, LegRinging, State
from bot.hooks import Answer, Question, Reply, Request, Webhook
from bot.orders import CallOrder, MessageOrder, Speech, TalkOption
from bot.provider import Provider, Setting
from bot.providers.callgear import notifications, routing, starts
from bot.providers.callgear.calls import events_of, on_hold, rows
from bot.providers.callgear.rpc import Rpc
from bot.providers.callgear.words import digits, text

MEDIA_HOSTS = (".callgear.com", ".uiscom.ru", ".comagic.ru", ".novofon.ru")
"""Where recordings lie."""

_TALK = frozenset({"hang_up", "hold", "consult", "press_key", "coach", "tag", "block", "use_talk_option", "drop_leg"})


class CallGear(Provider):
    """One CallGear account.

    Attributes:
        clock: seconds since 1970 UTC.
    """

    title: ClassVar[str] = "CallGear"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("access_token", "a key of a Call API user; or leave it out and give login and password", "", True),
        Setting("login", "the Call API user's login, where there is no key", default=""),
        Setting("password", "that user's password", default="", secret=True),
        Setting("virtual_phone_number", "the rented number that calls go out from", default=""),
        Setting("url", "where the API is; other brands have other hosts", "https://callapi.callgear.com/v4.0"),
        Setting("zone", "time zone of the account, IANA name; its notifications tell none", default="UTC"),
        Setting("hold_text", "spoken to whom is put on hold", default="Please stay on the line."),
    )
    order_options: ClassVar[frozenset[str]] = starts.CALL_OPTIONS
    message_options: ClassVar[frozenset[str]] = starts.MESSAGE_OPTIONS
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number", "employee"})
    line_setting: ClassVar[str] = "virtual_phone_number"
    hook_paths: ClassVar[Mapping[str, str]] = {
        "": "HTTP notifications (POST): one for each of the eight events, with the template of that event",
        "route": "interactive call processing: asked by a scenario what to do with a call",
    }
    hook_templates: ClassVar[Mapping[str, str]] = notifications.TEMPLATES

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError for no way to sign in, or an unknown time zone."""
        super().__init__(account, values, http, region)
        for setting in self.settings:
            if setting.default is not None and not self.values.get(setting.name):
                self.values[setting.name] = setting.default
        name = account.upper()
        if not self.values["access_token"] and not (self.values["login"] and self.values["password"]):
            raise SettingsError(f"{name}_ACCESS_TOKEN is not set, nor {name}_LOGIN with {name}_PASSWORD. Set one.")
        try:
            self.zone = ZoneInfo(self.values["zone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(f"{name}_ZONE is not a time zone. Write one like Europe/Madrid.") from error
        self.clock: Callable[[], float] = time.time
        self._rpc = Rpc(self)
        self._hours_off = 0.0

    # Calls that begin.

    @classmethod
    @override
    def wrong_options(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        """See `starts.py`."""
        return starts.wrong(given)

    @override
    def clashing(self, order: CallOrder) -> frozenset[str]:
        """What the method that places such a call does not have."""
        return starts.clashing(order)

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        """start.employee_call, start.simple_call, start.scenario_call or start.vnumber_call."""
        self.refuse_unexpressible(order)
        method, params = starts.call(order, self._line(order.caller_id), self.title)
        return self._started(await self._rpc.ask(method, params, dials=True))

    @override
    async def send_message(self, order: MessageOrder) -> Accepted:
        """start.informer_call: the call ends by itself after the message."""
        self.refuse_unexpressible(order)
        params = starts.message(order, self._line(order.caller_id), self.title)
        return self._started(await self._rpc.ask("start.informer_call", params, dials=True))

    def _line(self, chosen: str) -> str:
        line = digits(chosen or self.values["virtual_phone_number"])
        if not line:
            raise Unsupported(
                f"{self.title} must know which number to call from. Choose a line, or set "
                f"{self.account.upper()}_VIRTUAL_PHONE_NUMBER."
            )
        return line

    def _started(self, data: object) -> Accepted:
        ref = text(data.get("call_session_id")) if isinstance(data, dict) else ""
        if not ref:
            raise Ambiguous(f"{self.title} took the order but named no call; it may or may not be calling.")
        return Accepted(ref=ref, at=self.clock())

    # A running call. Which of these make sense when: the call state diagram.

    @override
    def controls(self, call: Call) -> frozenset[str]:
        """The call state diagram, as far as what was done and told shows where the call is."""
        if not call.live or not call.refs:
            return frozenset()
        if call.state is not State.TALKING:
            return frozenset({"hang_up"})
        if call.consulting:
            return frozenset({"hang_up", "complete_transfer", "return_to_caller"})
        if call.held:
            return frozenset({"hang_up", "resume", "consult"})
        can = _TALK - {"block"} if call.blocked else _TALK
        return can | {"stop_recording" if call.recording_on else "start_recording"}

    @override
    async def hang_up(self, call: Call) -> None:
        """release.call."""
        await self._do("release.call", call)

    @override
    async def drop_leg(self, call: Call, leg: str) -> None:
        """disconnect.leg; dropping the contact's leg ends the session."""
        await self._do("disconnect.leg", call, {"leg_id": _number(leg)})

    @override
    async def hold(self, call: Call, speech: Speech | None = None) -> None:
        """hold.call; a message is compulsory, so without one the account's `hold_text` is spoken.

        Whoever is on hold already, because an answer was lost, may be put there again.
        """
        message = starts.spoken(speech or Speech(text=self.values["hold_text"]))
        try:
            await self._do("hold.call", call, {"contact_message": message})
        except Refused as error:
            if call.held or error.code != "invalid_state" or not await self._waits(call):
                raise

    async def _waits(self, call: Call) -> bool:
        try:
            listed = rows(await self._rpc.ask("list.calls", {}), self.title)
        except ProviderError:
            return False
        return any(on_hold(row) for row in listed if text(row.get("call_session_id")) in call.refs)

    @override
    async def resume(self, call: Call) -> None:
        """unhold.call; where a third party is called or talked to of which we were not told, restore.talk."""
        await self._one_of(call, "unhold.call", "restore.talk")

    @override
    async def consult(self, call: Call, to: str, speech: Speech | None = None) -> None:
        """make.call, which is only possible on hold: a call that is not held is put on hold first.

        Where nobody can be called, the caller is taken off hold again.
        """
        if not call.held:
            try:
                await self.hold(call)
            except Refused as error:
                # Perhaps still on hold from a consultation that came to nothing; if not, make.call says so.
                if error.code != "invalid_state":
                    raise
        params: dict[str, Any] = {"to": digits(to) if to.startswith("+") else to}
        if speech is not None:
            params["to_message"] = starts.spoken(speech)
        try:
            await self._do("make.call", call, params, dials=True)
        except (Refused, Unavailable):
            if not call.held:
                with suppress(ProviderError):  # what went wrong first is what to tell
                    await self.resume(call)
            raise

    @override
    async def complete_transfer(self, call: Call) -> None:
        """transfer.talk; also while the third party still rings. Where it was done and not answered: no error."""
        try:
            await self._do("transfer.talk", call)
        except Refused as error:
            if error.code != "invalid_state" or not await self._third_is_on(call):
                raise

    async def _third_is_on(self, call: Call) -> bool:
        """Whoever was consulted is on the line."""
        try:
            told = await self.call_state(call) if call.consulting else ()
        except ProviderError:
            return False
        return any(isinstance(event, LegRinging) and call.is_third(event.leg) for event in told)

    @override
    async def return_to_caller(self, call: Call) -> None:
        """restore.talk; where the third party has gone by itself the call is back on hold: then unhold.call."""
        await self._one_of(call, "restore.talk", "unhold.call")

    async def _one_of(self, call: Call, *ways: str) -> None:
        """The first that the call's state allows. None: whoever was on hold is not any more, for an answer was lost."""
        for method in ways:
            try:
                await self._do(method, call)
            except Refused as error:
                last = method == ways[-1]
                if error.code != "invalid_state" or (last and (not call.held or await self._third_is_on(call))):
                    raise
            else:
                return

    @override
    async def press_key(self, call: Call, key: str) -> None:
        """send.dtmf: one tone."""
        await self._do("send.dtmf", call, {"dtmf_string": key})

    @override
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        """record.call action=on. A recording has no name here, and its address is told after the call."""
        if name:
            raise Unsupported(f"{self.title} does not name recordings. Start it without a name.")
        await self._record(call, "on", "record_already_started")
        return ()

    @override
    async def stop_recording(self, call: Call) -> None:
        """record.call action=off; a recording that the account demands cannot be stopped."""
        await self._record(call, "off", "record_already_stopped")

    async def _record(self, call: Call, action: str, already: str) -> None:
        """What an answer that was lost has started or stopped is so already: no error."""
        try:
            await self._do("record.call", call, {"action": action})
        except Refused as error:
            if error.code != already:
                raise

    @override
    async def tag(self, call: Call, tag: str) -> None:
        """tag.call."""
        await self._do("tag.call", call, {"tag_id": _number(tag)})

    @override
    async def coach(self, call: Call, phone: str = "") -> None:
        """add.coach: the coach's phone rings."""
        await self._do("add.coach", call, {"phone_number": digits(phone)} if phone else {}, dials=True)

    @override
    async def block(self, call: Call) -> None:
        """block.contact."""
        await self._do("block.contact", call)

    @override
    async def talk_options(self) -> tuple[TalkOption, ...]:
        """list.talk_options."""
        return tuple(_option(row) for row in rows(await self._rpc.ask("list.talk_options", {}), self.title))

    @override
    async def use_talk_option(self, call: Call, button: str) -> None:
        """call.talk_option; what it does (transfer_call, call_coach, run_scenario, ...) may ring somebody."""
        await self._do("call.talk_option", call, {"button": button}, dials=True)

    # What it knows.

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        """list.calls: also finds a call again whose start was never answered, by its external_id."""
        data = await self._rpc.ask("list.calls", {})
        return tuple(event for row in rows(data, self.title) for event in events_of(row, self.clock(), self.zone))

    @override
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        """list.calls, of which that call is picked out."""
        return tuple(call.named(event) for event in await self.active_calls() if event.ref in call.refs)

    @override
    async def fetch_recording(self, recording: str, into: Path, limit: int) -> str:
        """The link that came with the notification "Recorded talk"."""
        own = httpx.URL(self.values["url"]).host
        try:
            request = self.http.build_request("GET", recording)
            _ = request.url.host  # decoded only now
        except (httpx.InvalidURL, UnicodeError):
            raise Refused(f"The recording's link of {self.title} is no web address; it was not fetched.") from None
        return await self.download(request, into, limit, frozenset({own, *MEDIA_HOSTS}))

    @override
    async def check(self) -> str:
        """List the active calls; the only question that changes nothing."""
        count = len(rows(await self._rpc.ask("list.calls", {}), self.title))
        return f"CallGear knows this account: {count} active call{'' if count == 1 else 's'}."

    @override
    def notices(self) -> tuple[str, ...]:
        """Points left; and a time zone that is not the account's."""
        if not self._hours_off:
            return self._rpc.notices()
        side = "before" if self._hours_off > 0 else "after"
        zone = (
            f"{self.title}'s notifications come {abs(self._hours_off):g} h {side} the time that they tell: the account "
            f"is in another zone than {self.account.upper()}_ZONE says, {self.values['zone']}. Set it to the account's,"
            " or times of calls are wrong."
        )
        return (*self._rpc.notices(), zone)

    @override
    def outdated(self) -> str:
        """Whether this version of the API is about to go."""
        return self._rpc.outdated()

    @override
    async def sign_out(self) -> None:
        """logout.user: end a session that was opened by login and password. A key stays valid."""
        await self._rpc.log_out()

    # What it tells by itself.

    @override
    def read_webhook(self, request: Request) -> Webhook:
        """Notifications, see `notifications.py`; questions of scenarios, see `routing.py`."""
        if request.path.strip("/").lower() == "route":
            return routing.read(request)
        webhook, self._hours_off = notifications.read(request, self.zone)
        return webhook

    @override
    def write_answer(self, question: Question, answer: Answer) -> Reply:
        """What a scenario is to do next."""
        return routing.write(answer)

    async def _do(
        self, method: str, call: Call, params: Mapping[str, Any] | None = None, *, dials: bool = False
    ) -> None:
        if not call.refs:
            raise Refused(f"{self.title} has not named this call yet. Try again in a moment.", words="no session")
        data = await self._rpc.ask(method, {"call_session_id": _number(call.refs[0]), **(params or {})}, dials=dials)
        success = data.get("success") if isinstance(data, dict) else None
        if text(success).lower() != "true":
            if dials:
                raise Ambiguous(f"{self.title} did not confirm it; it may or may not be calling.")
            raise Unavailable(f"{self.title} did not confirm it. Look at the call before you try again.")


def _option(row: Mapping[str, Any]) -> TalkOption:
    inner = row.get("button_value")
    value: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    return TalkOption(
        button=text(row.get("button")),
        kind=text(row.get("mnemonic")),
        name=text(row.get("name")),
        value=text(value.get("id")),
        value_name=text(value.get("value")),
    )


def _number(value: str) -> int | str:
    """Ids are numbers here; what is none is for the service to refuse."""
    return int(value) if value.isascii() and value.isdecimal() else value


PROVIDER = CallGear
