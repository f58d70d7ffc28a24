"""A strict Slack for tests: the Web API on loopback, as far as Callboard uses it, with a record of what people see.

    slack = FakeSlack(clock)
    await slack.start()
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url)

It refuses what Slack refuses (unknown arguments, missing scopes, invalid blocks, a second post within a second, a used
trigger_id, ...) and a few things more, so that a mistake fails here first: see block_rules.py, and a person's id in
place of a channel's. The methods themselves are in fake_slack_methods.py; what Slack sends to the bot is in
slack_requests.py. Facts are in slack_facts.py; all times are seconds since 1970 UTC by the injected clock.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from typing_extensions import override

from tests import fake_slack_files, fake_slack_methods, fake_slack_replies, slack_facts
from tests.fake_slack_files import File
from tests.fake_slack_steps import Execution
from tests.slack_socket import Sockets
from tests.slack_state import (
    ApiRequest,
    Channel,
    Ephemeral,
    Message,
    NativeCall,
    RateLimited,
    ResponseUrl,
    SlackError,
    Trigger,
    User,
    View,
)

MANIFEST = Path(__file__).parents[1] / "manifest.yml"


@dataclass
class Hang:
    """A method that does not answer. `reached` is set when a request waits; `release()` lets all of them go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        self.released.set()


class FakeSlack:
    """One workspace with one installed bot. Start it, use it, stop it.

    Attributes:
        scopes: granted to the bot; those of manifest.yml unless told otherwise.
        groups: user groups by id, each the ids of its users.
        channels, users: by id; C1 (#calls) has the bot and U1, U2 in it, C2 (#elsewhere) has only U2.
        files: by id, those of people and of the bot.
        ephemerals, views, homes: what single persons see; views by id, homes by user.
        native_calls: call objects by id.  executions: of workflows' steps, by id.
        requests: every call of the Web API, oldest first.
        files: by id.  scanning: files are shown only when `scanned()` is called, as Slack's scan takes its time.
        hide_files: messages are read without them.
        processing: how often the bot asks about a new file of its own before Slack knows what is in it.
        ails: method and arguments of each request -> the kind of fault (see `fail_next`) that it meets, "" = none.
        sockets: the bot's connections in Socket Mode.
        signed_at: when requests to the bot are signed. Bolt compares with the wall clock, whatever clock a test has.
    """

    team = "T1"
    app_id = "A1"
    bot_user = "UBOT"
    bot_id = "BBOT"
    bot_token = "xoxb-fake"
    app_token = "xapp-fake"
    signing_secret = "fake-signing-secret"

    def __init__(self, now: Callable[[], float], scopes: frozenset[str] | None = None) -> None:
        self.now = now
        self.signed_at: Callable[[], float] = time.time
        self.dated_at: Callable[[], float] = time.time
        self.scopes = granted_scopes() if scopes is None else scopes
        self.groups: dict[str, list[str]] = {}
        self.users = {user.id: user for user in (User("U1", "Ada", is_admin=True), User("U2", "Grace"))}
        self.channels = {
            "C1": Channel("C1", "calls", members={"U1", "U2"}),
            "C2": Channel("C2", "elsewhere", bot_is_member=False, members={"U2"}),
        }
        self.ephemerals: list[Ephemeral] = []
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        self.native_calls: dict[str, NativeCall] = {}
        self.executions: dict[str, Execution] = {}
        self.files: dict[str, File] = {}
        self.requests: list[ApiRequest] = []
        self.scanning = False
        self.hide_files = False
        self.processing = 1
        self.scanned_later: list[tuple[str, Message]] = []
        self.ails: Callable[[str, dict[str, Any]], str] | None = None
        self.sockets = Sockets()
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.base_url = ""
        self.origin = ""
        self._counter = 0
        self._last_post: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {}
        self._faults: dict[str, deque[tuple[str, int]]] = {}
        self._hangs: dict[str, Hang] = {}
        self._stopping = False
        self._runner: web.AppRunner | None = None

    @override
    def __repr__(self) -> str:
        return f"<FakeSlack {self.origin}>"

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024**2)  # files
        app.router.add_route("*", "/api/{method}", self._answer_api)
        app.router.add_post("/response/{id}", self._answer_response_url)
        app.router.add_get("/files-pri/{id}/{name}", partial(fake_slack_files.serve, self))
        app.router.add_post("/upload/{id}", partial(fake_slack_files.take, self))
        app.router.add_get("/link/{ticket}", self.sockets.serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.base_url = f"{self.origin}/api/"

    async def stop(self) -> None:
        """Requests that still hang are dropped without an effect."""
        self._stopping = True
        for hang in self._hangs.values():
            hang.release()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # What a person sees and does.

    def channel(self, channel: str) -> list[Message]:
        """Messages of a channel as they look now, oldest first, replies in threads included."""
        return list(self.channels[channel].messages)

    def dm(self, user: str) -> list[Message]:
        """Messages between a person and the bot; empty when there are none."""
        direct = self.channels.get(f"D{user}")
        return list(direct.messages) if direct else []

    def say(self, channel: str, user: str, text: str, thread_ts: str = "") -> Message:
        """A person writes a message."""
        message = Message(self.next_ts(), text, (), {}, user, thread_ts)
        self.channels[channel].messages.append(message)
        return message

    def next_fault(self, method: str) -> str:
        """Take the fault that was ordered for the next request, "" = none."""
        faults = self._faults.get(method)
        return faults.popleft()[0] if faults else ""

    def share(self, channel: str, message: Message) -> None:
        """A message with files: at once, or when they have been scanned."""
        if self.scanning:
            self.scanned_later.append((channel, message))
        else:
            self.channels[channel].messages.append(message)

    def scanned(self) -> None:
        """The scan of all files that wait for it is over."""
        for channel, message in self.scanned_later:
            self.channels[channel].messages.append(message)
        self.scanned_later.clear()

    def delete(self, channel: str, ts: str) -> None:
        """A person deletes a message."""
        self.channels[channel].messages = [message for message in self.channel(channel) if message.ts != ts]

    # Faults.

    def hang(self, method: str) -> Hang:
        """From now on requests for this method wait for `release()`; then they act, whoever still listens."""
        self._hangs[method] = Hang()
        return self._hangs[method]

    def fail_next(self, method: str, kind: str, *, retry_after: int = 30) -> None:
        """The next request for this method fails; call it again to fail the one after it, too.

        `kind`: "500"; "drop_before" and "drop_after" (drop the connection before or after acting); "ratelimited"
        (HTTP 429; `retry_after` in seconds); "after:CODE" (act, then answer that error code); "garbled:TYPE" (act, then
        answer 200 with what is no JSON, of that content type); anything else is the error code that Slack answers
        without acting.
        """
        self._faults.setdefault(method, deque()).append((kind, retry_after))

    # For slack_requests.py.

    def open_dm(self, user: str) -> Channel:
        if user not in self.users:
            raise SlackError("user_not_found")
        return self.channels.setdefault(f"D{user}", Channel(f"D{user}", "", im=True, members={user}))

    def mint_trigger(self, user: str) -> str:
        trigger = f"{self._count()}.{self.app_id}.{user}"
        self.triggers[trigger] = Trigger(user, self.now())
        return trigger

    def mint_socket_url(self) -> str:
        return f"{self.origin.replace('http', 'ws')}/link/{self._count()}"

    def mint_response_url(self, user: str, channel: str, original: str = "") -> str:
        name = f"R{self._count()}"
        self.response_urls[name] = ResponseUrl(user, channel, original, self.now())
        return f"{self.origin}/response/{name}"

    # For fake_slack_methods.py.

    def next_ts(self) -> str:
        """Unique, and in the order of time as long as the clock does not go back."""
        return f"{int(self.now())}.{self._count():06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}{self._count()}"

    def with_block_ids(self, blocks: Any) -> tuple[Any, ...]:
        """Slack names every block that has no block_id."""
        return tuple(block if "block_id" in block else {**block, "block_id": self.next_id("b")} for block in blocks)

    def check_post_rate(self, channel: str) -> None:
        """At most one chat.postMessage a second per channel."""
        now = self.now()
        if now - self._last_post.get(channel, float("-inf")) < slack_facts.SECONDS_BETWEEN_POSTS:
            raise RateLimited(1)
        self._last_post[channel] = now

    def _count(self) -> int:
        self._counter += 1
        return self._counter

    # HTTP.

    async def _answer_api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fact = slack_facts.METHODS.get(method)
        arguments = await _arguments(request, json_too=fact is None or fact.json)
        token = str(arguments.pop("token", "")) or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method in self._hangs:
            hang = self._hangs[method]
            hang.reached.set()
            await hang.released.wait()
        if self._stopping:
            return _drop(request)
        faults = self._faults.get(method)
        kind, retry_after = faults.popleft() if faults else ("", 0)
        kind = kind or (self.ails(method, arguments) if self.ails is not None else "")
        outcome = kind
        try:
            if kind in ("500", "drop_before"):
                return (
                    _drop(request)
                    if kind == "drop_before"
                    else web.Response(status=500, text="<h1>Oops</h1>", content_type="text/html")
                )
            if kind == "ratelimited":
                raise RateLimited(retry_after)
            acts = not kind or kind == "drop_after" or kind.startswith(("after:", "garbled:"))
            if not acts:
                raise SlackError(kind)
            answer = self._act(method, fact, token, arguments)
            if kind.startswith("after:"):
                raise SlackError(kind.removeprefix("after:"))
            outcome = kind or "ok"
            if kind.startswith("garbled:"):
                return web.Response(text='{"ok": tr', content_type=kind.removeprefix("garbled:"))
            # Slack tells both with every answer.
            granted = {
                "x-oauth-scopes": ",".join(sorted(self.scopes)),
                "date": formatdate(self.dated_at(), usegmt=True),
            }
            return _drop(request) if kind else web.json_response({"ok": True, **answer}, headers=granted)
        except RateLimited as error:
            outcome = error.code
            return web.json_response(error.answer, status=429, headers={"Retry-After": str(error.seconds)})
        except SlackError as error:
            outcome = error.code
            return _drop(request) if kind == "drop_after" else web.json_response(error.answer)
        finally:
            self.requests.append(ApiRequest(method, arguments, self.now(), outcome))

    def _act(
        self, method: str, fact: slack_facts.Method | None, token: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        if fact is None:
            raise SlackError("unknown_method", f"{method} is not in tests/slack_facts.py")
        if token != (self.app_token if fact.app_token else self.bot_token):
            known = token in (self.app_token, self.bot_token)
            raise SlackError("not_allowed_token_type" if known else "invalid_auth" if token else "not_authed")
        self._check_tier(method, fact.tier)
        if fact.any_of and not fact.any_of & self.scopes:
            self.missing_scope(*sorted(fact.any_of))
        if arguments.pop("team_id", self.team) != self.team:  # Bolt adds it to every call, and Slack lets it
            raise SlackError("team_not_found")
        unknown = set(arguments) - fact.required - fact.optional
        if unknown:
            raise SlackError("invalid_arguments", *(f"unknown argument: {name}" for name in sorted(unknown)))
        missing = {name for name in fact.required if arguments.get(name) in (None, "")}
        if missing:
            raise SlackError("invalid_arguments", *(f"missing required field: {name}" for name in sorted(missing)))
        return fake_slack_methods.METHODS[method](self, arguments)

    def missing_scope(self, *needed: str) -> None:
        raise SlackError("missing_scope", needed=",".join(needed), provided=",".join(sorted(self.scopes)))

    def _check_tier(self, method: str, tier: int) -> None:
        recent = self._recent.setdefault(method, deque())
        while recent and recent[0] <= self.now() - 60:
            recent.popleft()
        if len(recent) >= slack_facts.CALLS_PER_MINUTE.get(tier, 1_000_000):
            raise RateLimited(max(1, int(recent[0] + 60 - self.now())))
        recent.append(self.now())

    async def _answer_response_url(self, request: web.Request) -> web.Response:
        try:
            fake_slack_replies.respond(self, request.match_info["id"], await request.json())
        except SlackError as error:
            return web.json_response(error.answer, status=404 if error.code.endswith("_url") else 400)
        return web.Response(text="ok")


def granted_scopes() -> frozenset[str]:
    """The bot scopes of manifest.yml."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return frozenset(manifest["oauth_config"]["scopes"]["bot"])


async def _arguments(request: web.Request, *, json_too: bool) -> dict[str, Any]:
    """Arguments from query, form and JSON body. Methods that take no JSON do not see one, as in Slack."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        if json_too:
            found |= json.loads(await request.text() or "{}")
    else:
        found |= dict(await request.post())
    return found


def _drop(request: web.Request) -> web.Response:
    """Cut the connection; the response that aiohttp asks for goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
