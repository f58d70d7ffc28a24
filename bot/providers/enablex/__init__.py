"""EnableX Voice API: calls that we conduct ourselves, message by message, and webhooks for everything that happens.

Source: "Voice API" of https://developer.enablex.io (older edition); newer facts from its official samples are marked
where they are used. A click-to-call rings the rep; when they pick up we are told, and bridge the customer
(`bot/conducting.py`); when one side has gone, we let the other go.
"""

import base64
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from typing_extensions import override

from bot.call import Call
from bot.errors import ProviderError, Refused, SettingsError, Unavailable, Unsupported
from bot.events import Accepted, AnyEvent
from bot.hooks import Request, Webhook
from bot.orders import CallOrder, MessageOrder, Prompt, Speech
from bot.provider import LIMITED, Provider, Setting, patience
from bot.providers.enablex import api, steps, webhooks
from bot.providers.enablex.probing import FIRST_ASKED_SECONDS, SILENCE, TALKING, Probe

NOBODY = "00000000-0000-0000-0000-000000000000"
"""A call id that no call has: asking for it shows whether the credentials work."""
ALREADY = ("408", "already")
"""Code of the refusal to start a recording that runs, and the word in it: a gateway's time-out has the same code."""


class EnableX(Provider):
    """One EnableX project.

    Attributes:
        clock: seconds since 1970 UTC.
    """

    title: ClassVar[str] = "EnableX"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("app_id", "the project's APP ID; it also decrypts webhooks", secret=True),
        Setting("app_key", "the project's APP KEY", secret=True),
        Setting("cli", "the rented number that calls go out from, exactly as it is provisioned", default=""),
        Setting("url", "where the API is", default="https://api.enablex.io/voice/v1"),
        Setting("bridge", "who calls the other side when the rep has picked up: callboard or enablex", "callboard"),
        Setting("accept_verb", "how calls are accepted: PUT as in current samples, or POST as documented", "PUT"),
        Setting("language", "of spoken texts where none is chosen", default="en-US"),
        Setting("voice", "of spoken texts where none is chosen: female or male", default="female"),
        Setting("recording_name", "how names of recordings begun during a call begin; empty: EnableX names them", ""),
    )
    order_options: ClassVar[frozenset[str]] = frozenset({"caller_id", "record"})
    line_setting: ClassVar[str] = "cli"
    message_options: ClassVar[frozenset[str]] = frozenset(
        {
            *("template", "text", "language", "voice", "caller_id", "record", "collect_digits", "recognise"),
            *("answer_seconds", "silence_seconds", "prompt_ref"),
        }
    )
    hook_paths: ClassVar[Mapping[str, str]] = {"": "the webhook of your project and numbers: all events"}

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError where `accept_verb` or `bridge` is none of the two each can be."""
        super().__init__(account, values, http, region)
        self.clock: Callable[[], float] = time.time
        self._quiet_until = 0.0
        self._probe = Probe(lambda call: self._on(call, "PUT", "/play", SILENCE), self.resume)
        for setting in self.settings:
            if setting.default is not None and not self.values.get(setting.name):
                self.values[setting.name] = setting.default
        if self.values["accept_verb"].upper() not in ("PUT", "POST"):
            raise SettingsError(f"{account.upper()}_ACCEPT_VERB is neither PUT nor POST. Set it to one of them.")
        if self.values["bridge"].lower() not in ("callboard", "enablex"):
            raise SettingsError(f"{account.upper()}_BRIDGE is neither callboard nor enablex. Set it to one of them.")

    # Calls that begin.

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        """Ring the rep. The customer is bridged when they have picked up. Source: "Dial Out a Number".

        With the setting `bridge` = enablex the order says so itself: `action_on_connect.connect`, written as in the
        official sample voice-outbound-bridge-on-connect, for the page only names that action.
        """
        self.refuse_unexpressible(order)
        number = api.digits(order.number)
        body: dict[str, Any] = {
            "name": "Callboard",
            "owner_ref": order.call_id,
            "auto_record": order.record,
            "from": self._cli(order.caller_id),
            "to": api.digits(order.rep.value),
        }
        if self._joins:
            body["action_on_connect"] = {"connect": {"from": body["from"], "to": number}}
        what = webhooks.JOINED if self._joins else webhooks.TO_REP
        return await self._dial(body, webhooks.Trail(what, order.call_id, number))

    @override
    async def send_message(self, order: MessageOrder) -> Accepted:
        """Call one party and play something. Source: "Dial Out a Number", `action_on_connect`.

        Raises:
            Unsupported: neither a prompt nor a text, both, or seconds outside of 1 to 10.
        """
        self.refuse_unexpressible(order)
        listens = order.collect_digits or order.recognise
        prompt = Prompt(
            speech=Speech(order.template, order.text, order.language, order.voice),
            prompt_ref=order.prompt_ref,
            collect_digits=order.collect_digits,
            recognise=order.recognise,
            answer_seconds=order.answer_seconds,
            silence_seconds=order.silence_seconds,
        )
        body = {
            "name": "Callboard",
            "owner_ref": order.call_id,
            "auto_record": order.record,
            "from": self._cli(order.caller_id),
            "to": api.digits(order.number),
            "action_on_connect": api.on_connect(self._play(prompt)),
        }
        return await self._dial(body, webhooks.Trail(webhooks.QUESTION if listens else webhooks.MESSAGE, order.call_id))

    @property
    def _joins(self) -> bool:
        """EnableX itself bridges the customer."""
        return self.values["bridge"].lower() == "enablex"

    async def _dial(self, body: dict[str, Any], trail: webhooks.Trail) -> Accepted:
        if not self.hook_url:
            raise Unsupported(
                f"{self.title} must tell Callboard how a call goes, but nobody has said where to. "
                "Ask your admin to set CALLBOARD_PUBLIC_URL. Nothing was dialled."
            )
        body["event_url"] = f"{self.hook_url}/{trail.path}"
        answer = await self._ask("POST", "/call", body, dials=True)
        return Accepted(ref=api.voice_id(self.title, answer), at=self.clock())

    # A call that we conduct.

    @override
    def next_step(self, call: Call) -> str:
        """See `steps.py`."""
        return steps.next_step(call, joined=self._joins)

    @override
    async def bridge(self, call: Call, number: str) -> None:
        """Call a second party and join both. Source: "Bridge Call"."""
        body = {"from": self._cli(call.line), "to": self._callee(number)}
        api.accepted(self.title, await self._on(call, "PUT", "/connect", body, dials=True))

    @override
    async def hang_up(self, call: Call) -> None:
        """End the whole call. Source: "Hang-Up Call". A call that is gone already is no error.

        The page has one HTTP status, 400, for that and for everything else, so what it means is asked.
        """
        try:
            await self._on(call, "DELETE", "")
        except Refused as error:
            if not api.of_a_call(error) or not (error.code == "404" or await self._gone(call)):
                raise

    async def _gone(self, call: Call) -> bool:
        """EnableX was asked and does not know the call (any more)."""
        try:
            await self._on(call, "GET", "")
        except Refused as error:
            return api.of_a_call(error)
        except ProviderError:
            pass
        return False

    @override
    async def accept(self, call: Call) -> None:
        """Source: "Handle Incoming Call Events". A call that a greeting, or we, answered before is accepted already."""
        try:
            await self._on(call, self.values["accept_verb"].upper(), "/accept")
        except Refused as error:
            if not api.of_a_call(error) or not await self._answered(call):
                raise

    async def _answered(self, call: Call) -> bool:
        try:
            return webhooks.is_up(await self._on(call, "GET", ""))
        except Refused:
            return False

    @override
    async def decline(self, call: Call) -> None:
        """Hanging up instead of accepting. Source: official sample voice-api-inbound; the page names no way."""
        await self._on(call, "DELETE", "")

    # A call that is running.

    @override
    def controls(self, call: Call) -> frozenset[str]:
        """See `steps.py`."""
        return steps.controls(call)

    @override
    async def play(self, call: Call, prompt: Prompt) -> None:
        """Source: "Play Voice Prompt". A caller whom nobody has taken yet is answered first, hears it and waits on."""
        body = self._play(prompt)
        if call.direction == "in":
            await self.accept(call)
        await self._on(call, "PUT", "/play", body)

    @override
    async def hold(self, call: Call, speech: Speech | None = None) -> None:
        """Source: "Call Hold-Unhold API". It plays its own music; `speech` cannot be said and is not sent."""
        if speech is not None:
            raise Unsupported(f"{self.title} plays its own music on hold. Put the call on hold without a message.")
        await self._on(call, "POST", "/hold", {"hold": True}, silent=True)

    @override
    async def resume(self, call: Call) -> None:
        """Source: "Call Hold-Unhold API"."""
        await self._on(call, "POST", "/hold", {"hold": False}, silent=True)

    @override
    async def transfer(self, call: Call, to: str) -> None:
        """Attended. Source: "Transfer Call"."""
        body = {"from": self._cli(call.line), "transfer_to": self._callee(to)}
        api.accepted(self.title, await self._on(call, "PUT", "/transfer", body, dials=True))

    @override
    async def forward(self, call: Call, to: str) -> None:
        """Blind. Source: "Forward Call"."""
        body = {"from": self._cli(call.line), "to": self._callee(to)}
        api.accepted(self.title, await self._on(call, "PUT", "/forward", body, dials=True))

    @override
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        """Source: "Start / Stop Call Recording". The answer names the recording, also where no webhook ever does.

        What an answer that was lost has started runs already: no error. A name that is there already is refused, so the
        setting's is followed by the moment and the call.
        """
        if not name and (first := self.values["recording_name"]):
            name = f"{first}_{time.strftime('%Y%m%dT%H%M%S', time.gmtime(self.clock()))}_{call.id}"
        named = {"recording_name": name} if name else {}
        try:
            answer = await self._on(call, "PUT", "/recording", {"start": True, **named})
        except Refused as error:
            code, word = ALREADY
            if error.code != code or word not in error.words.lower():
                raise
            return ()
        return webhooks.recording_begun(answer, call.refs[0], self.clock())

    @override
    async def stop_recording(self, call: Call) -> None:
        """Source: "Start / Stop Call Recording"."""
        await self._on(call, "PUT", "/recording", {"stop": True})

    # What it knows.

    @override
    def poll_after(self, asked: int) -> float:
        """First after 10 s, at last once a minute: a rep who has picked up does not wait long for a lost webhook."""
        return min(FIRST_ASKED_SECONDS * 1.5**asked, super().poll_after(asked))

    @override
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        """Makes up for lost webhooks. Source: "Analyze Call". () = EnableX does not know the call (any more)."""
        try:
            answer = await self._on(call, "GET", "")
        except Refused as error:
            if not api.of_a_call(error):
                raise
            return ()
        told = webhooks.analysed(answer, call, self.clock(), self.region, joined=self._joins)
        return told + await self._probe.second_leg(call, self.clock())

    @override
    def learned(self) -> str:
        """That it refuses to play into a talk: only then does an answer without that refusal tell the end of one."""
        return TALKING if self._probe.tells_talks else ""

    @override
    def relearn(self, learned: str) -> None:
        """So that a talk whose end was lost is over in minutes also after a restart."""
        self._probe.tells_talks = self._probe.tells_talks or learned == TALKING

    @override
    async def fetch_recording(self, recording: str, into: Path, limit: int) -> str:
        """Source: "Retrieve Call Recording"; `recording` is a recording id."""
        request = self._request("GET", f"/recording/{quote(recording, safe='')}")
        return await self.download(request, into, limit, frozenset({request.url.host}))

    @override
    async def check(self) -> str:
        """Ask for a call that does not exist: only the refusal of wrong credentials is one."""
        try:
            await self._ask("GET", f"/call/{NOBODY}")
        except Refused as error:
            if not api.of_a_call(error):  # it did not look at them
                raise
        return f"{self.title} accepts the project's APP ID and APP KEY."

    # What it tells by itself.

    @override
    def read_webhook(self, request: Request) -> Webhook:
        """All events, plain or encrypted: see `webhooks.py`."""
        return webhooks.read(request, self.values["app_id"], self.region, api.digits(self.values["cli"]))

    # How it is spoken to.

    def _cli(self, line: str) -> str:
        cli = api.digits(line or self.values["cli"])
        if not cli:
            raise Unsupported(
                f"{self.title} must know which number to call from. Choose a line, or set {self.account.upper()}_CLI."
            )
        return cli

    def _callee(self, number: str) -> str:
        if not number.startswith("+") and not number.lower().startswith("sip:"):
            raise Unsupported(
                f"{self.title} calls numbers, not extensions like {number}. Give a number. Nobody was called."
            )
        return api.digits(number)

    def _play(self, prompt: Prompt) -> dict[str, Any]:
        return api.play(self.title, prompt, self.values["language"], self.values["voice"])

    async def _on(
        self, call: Call, verb: str, path: str, body: Mapping[str, Any] | None = None, **how: bool
    ) -> dict[str, Any]:
        if not call.refs:
            raise Refused(f"{self.title} has not named this call yet. Try again in a moment.", words="no call id")
        ref = quote(call.refs[0], safe="")  # it came with a webhook, as anything may
        return await self._ask(verb, f"/call/{ref}{path}", body, **how)

    async def _ask(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        dials: bool = False,
        silent: bool = False,
    ) -> dict[str, Any]:
        now = self.clock()
        if verb == "GET" and now < self._quiet_until:
            left = round(self._quiet_until - now)
            raise Unavailable(f"{self.title} is asked nothing for {left} s: it lets no more through.")
        response = await self.send(self._request(verb, path, body), dials=dials, any_status=True)
        if response.status_code == LIMITED:
            self._quiet_until = max(self._quiet_until, now + patience(response, now))
        return api.answer(self.title, self.account, response, dials=dials, silent=silent)

    def _request(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Request:
        key = base64.b64encode(f"{self.values['app_id']}:{self.values['app_key']}".encode()).decode()
        return self.http.build_request(
            verb,
            self.values["url"].rstrip("/") + path,
            json=None if body is None else dict(body),
            headers={"authorization": f"Basic {key}"},
        )


PROVIDER = EnableX
