"""A small Slack in the terminal, for computers that the local Slack program does not exist for.

It answers the few Web API methods that Callboard uses and sends Callboard what Slack would send over HTTP, signed
(https://docs.slack.dev/authentication/verifying-requests-from-slack). It is lenient: it shows, it does not prove.
"""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.terminal_files import Files
from bot.terminal_screen import Screen, choices, filled, plain

Json = dict[str, Any]

HELP = """Type a slash command, like /call Noa Green. Also:
  3          press button 3 (or open menu 3);  3 2  takes the second choice of menu 3
  as omer    act as somebody else
  home       open the App Home
  quit       stop"""
TEAM, BOT_USER, BOT = "T0TERMINAL", "U0CALLBOARD", "B0CALLBOARD"


class TerminalSlack:
    """The workspace, and the one person who sits at the terminal.

    Attributes:
        app: the ASGI application with /api/{method}, /respond/{id} and /upload/{file}.
        bot_url: where Callboard takes Slack's requests; set once it runs.
        url: our own address, for response_urls; set once it is known.
    """

    def __init__(
        self,
        people: Mapping[str, str],
        channels: Mapping[str, str],
        zone: str,
        secret: str,
        write: Callable[[str], None],
    ) -> None:
        """`people`: user id -> real name, the first sits at the terminal. `channels`: channel id -> name."""
        self.people = dict(people)
        self.channels = dict(channels)
        self.zone = zone
        self.bot_url = self.url = ""
        self.user = next(iter(people))
        self._secret = secret
        self._write = write
        self._messages: dict[str, list[Json]] = {channel: [] for channel in channels}
        self._asked: dict[str, tuple[str, str]] = {}
        self._modal: Json | None = None
        self._homes: dict[str, Json] = {}
        self._fields: dict[str, dict[str, Json]] = {}
        self._pending: list[Json] = []
        self._screen = Screen(self.people)
        self._counter = itertools.count(1)
        self.files = Files(self._post)
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self._api, methods=["GET", "POST"]),
                Route("/respond/{id}", self._respond, methods=["POST"]),
                Route("/upload/{file}", self.files.take, methods=["POST"]),
            ]
        )

    # What Callboard asks of Slack.

    async def _api(self, request: Request) -> Response:
        given = dict(request.query_params)
        body = await request.body()
        if request.headers.get("content-type", "").startswith("application/json"):
            given |= json.loads(body or b"{}")
        else:
            given |= dict(parse_qsl(body.decode()))
        for name in ("blocks", "view", "metadata"):
            if isinstance(given.get(name), str):
                given[name] = json.loads(given[name])
        method = getattr(self, "_" + request.path_params["method"].replace(".", "_").lower(), None)
        if method is None:
            return JSONResponse({"ok": False, "error": "unknown_method"})
        try:
            return JSONResponse({"ok": True, **method(given)})
        except KeyError as error:
            return JSONResponse({"ok": False, "error": str(error.args[0])})

    def _auth_test(self, given: Json) -> Json:
        return {"team_id": TEAM, "team": "terminal", "user": "callboard", "user_id": BOT_USER, "bot_id": BOT}

    def _chat_postmessage(self, given: Json) -> Json:
        channel = given["channel"]
        if channel not in self._messages:
            raise KeyError("channel_not_found")
        message = {"text": given.get("text", ""), "blocks": given.get("blocks") or []}
        message |= {name: given[name] for name in ("metadata", "thread_ts") if given.get(name)}
        self._post(channel, message)
        return {"channel": channel, "ts": message["ts"]}

    def _post(self, channel: str, message: Json) -> None:
        message |= {"ts": self._ts(), "user": BOT_USER, "bot_id": BOT}
        self._messages[channel].append(message)
        self._show(channel, message)

    def _files_getuploadurlexternal(self, given: Json) -> Json:
        return self.files.prepare(given, self.url)

    def _files_completeuploadexternal(self, given: Json) -> Json:
        return self.files.complete(given)

    def _files_info(self, given: Json) -> Json:
        return self.files.info(given)

    def _files_delete(self, given: Json) -> Json:
        return self.files.delete(given)

    def _chat_update(self, given: Json) -> Json:
        message = self._find(given["channel"], given["ts"])
        changed = message["text"] != given.get("text", "")
        message |= {"text": given.get("text", ""), "blocks": given.get("blocks") or []}
        if changed:
            self._show(given["channel"], message, "changed")
        return {"channel": given["channel"], "ts": given["ts"]}

    def _chat_delete(self, given: Json) -> Json:
        self._messages[given["channel"]].remove(self._find(given["channel"], given["ts"]))
        return {}

    def _conversations_open(self, given: Json) -> Json:
        user = given["users"]
        if user not in self.people:
            raise KeyError("user_not_found")
        channel = f"D{user}"
        self._messages.setdefault(channel, [])
        return {"channel": {"id": channel}}

    def _conversations_history(self, given: Json) -> Json:
        return {"messages": self._messages[given["channel"]][::-1], "has_more": False}

    def _conversations_replies(self, given: Json) -> Json:
        thread = [one for one in self._messages[given["channel"]] if given["ts"] in (one["ts"], one.get("thread_ts"))]
        return {"messages": thread, "has_more": False}

    def _conversations_info(self, given: Json) -> Json:
        if given["channel"] not in self.channels:
            raise KeyError("channel_not_found")
        return {"channel": {"id": given["channel"], "name": self.channels[given["channel"]], "is_member": True}}

    def _users_info(self, given: Json) -> Json:
        if given["user"] not in self.people:
            raise KeyError("user_not_found")
        name = self.people[given["user"]]
        return {"user": {"id": given["user"], "name": _short(name), "real_name": name, "tz": self.zone}}

    def _views_open(self, given: Json) -> Json:
        self._modal = {**given["view"], "id": f"V{next(self._counter)}"}
        self._fields = {}
        self._pending = [block for block in self._modal["blocks"] if block["type"] == "input"]
        self._write(f"\n--- {self._modal['title']['text']} (empty keeps what is shown, “-” empties, “cancel” closes)")
        told = [block for block in self._modal["blocks"] if block["type"] != "input"]
        self._write("\n".join(self._screen.lines(told, "", "")))
        self._prompt()
        return {"view": self._modal}

    def _views_update(self, given: Json) -> Json:
        if self._modal is None or given["view_id"] != self._modal["id"]:
            raise KeyError("not_found")
        return self._views_open(given)

    def _views_publish(self, given: Json) -> Json:
        view = {**given["view"], "id": f"H{given['user_id']}"}
        self._homes[given["user_id"]] = view
        if given["user_id"] == self.user:
            self._write("\n--- App Home\n" + "\n".join(self._screen.lines(view["blocks"], "", self.user)))
        return {"view": view}

    async def _respond(self, request: Request) -> Response:
        user, channel = self._asked[request.path_params["id"]]
        told = json.loads(await request.body())
        message = {"ts": self._ts(), "user": BOT_USER, "text": told.get("text", ""), "blocks": told.get("blocks") or []}
        message["ephemeral_to"] = user
        self._messages.setdefault(channel, []).append(message)
        if user == self.user:
            self._show(channel, message, "only you see this")
        return Response("ok")

    # What a person does.

    async def command(self, user: str, channel: str, command: str, text: str = "") -> None:
        """A person sends a slash command; returns when it is acknowledged."""
        fields = {"command": command, "text": text, "user_id": user, "channel_id": channel, "team_id": TEAM}
        fields |= {"trigger_id": f"{next(self._counter)}.t", "response_url": self._response_url(user, channel)}
        await self._send(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    async def interact(self, user: str, channel: str, ts: str, action: Json) -> None:
        """A person uses an element of a message; without a channel, of their App Home."""
        payload: Json = {
            "type": "block_actions",
            "user": {"id": user, "team_id": TEAM},
            "team": {"id": TEAM},
            "api_app_id": "A0TERMINAL",
            "trigger_id": f"{next(self._counter)}.t",
            "actions": [action],
        }
        if channel:
            container = {"type": "message", "message_ts": ts, "channel_id": channel}
            url = self._response_url(user, channel)
            payload |= {"channel": {"id": channel}, "container": container, "response_url": url}
        else:
            view = self._homes[user]
            payload |= {"view": view, "container": {"type": "view", "view_id": view["id"]}}
        await self._interaction(payload)

    async def submit(self, user: str, values: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
        """A person submits the open dialog (block id -> action id -> value); the errors shown, if any."""
        view = {**(self._modal or {}), "state": {"values": {block: dict(given) for block, given in values.items()}}}
        payload = {
            "type": "view_submission",
            "user": {"id": user, "team_id": TEAM},
            "team": {"id": TEAM},
            "trigger_id": f"{next(self._counter)}.t",
            "view": view,
        }
        answer = await self._interaction(payload)
        return dict(answer.get("errors") or {})

    async def open_home(self, user: str) -> None:
        """A person opens App Home."""
        event = {"type": "app_home_opened", "user": user, "tab": "home", "channel": f"D{user}"}
        body = {"type": "event_callback", "team_id": TEAM, "api_app_id": "A0TERMINAL", "event": event}
        body["event_id"] = f"Ev{next(self._counter)}"
        await self._send(json.dumps(body).encode(), "application/json")

    async def home(self, user: str) -> list[Json]:
        """The blocks of a person's App Home."""
        return list(self._homes.get(user, {}).get("blocks", ()))

    async def form(self) -> Json:
        """The dialog that is open, {} = none."""
        return dict(self._modal or {})

    def close_form(self) -> None:
        """The person closes the dialog, or it was sent."""
        self._modal = None

    async def messages(self, channel: str) -> list[Json]:
        """Every message of a conversation, oldest first."""
        return list(self._messages.get(channel, ()))

    async def handle(self, line: str) -> bool:
        """One line that was typed; False = stop."""
        line = line.strip()
        if self._modal is not None:
            await self._fill(line)
        elif line in ("quit", "exit"):
            return False
        elif line.startswith("/"):
            command, _, text = line.partition(" ")
            await self.command(self.user, next(iter(self.channels)), command, text)
        elif line == "home":
            await self.open_home(self.user)
        elif line.startswith("as "):
            self._act_as(line.removeprefix("as ").strip())
        elif line and line.split()[0].isdecimal():
            await self._press(*(int(word) for word in line.split()[:2] if word.isdecimal()))
        elif line:
            self._write(HELP)
        return True

    def _act_as(self, name: str) -> None:
        found = [user for user, real in self.people.items() if _short(real) == name.casefold()]
        if not found:
            self._write(f"There is no “{name}”. Choose one of: {', '.join(map(_short, self.people.values()))}.")
            return
        self.user = found[0]
        self._write(f"You are {self.people[self.user]} now.")

    async def _press(self, number: int, choice: int = 0) -> None:
        if number not in self._screen.buttons:
            self._write("There is no button of that number. The numbers stand in [brackets].")
            return
        channel, ts, element = self._screen.buttons[number]
        if not channel and ts != self.user:
            self._write("That button is not before you: it is in a form, or in an App Home; type “home” for yours.")
            return
        action: Json = {key: element[key] for key in ("type", "action_id", "block_id", "value") if key in element}
        if element["type"] != "button":
            options = choices(element, self.people)
            if not 1 <= choice <= len(options):
                names = "\n".join(f"  {number} {n}  {o['text']['text']}" for n, o in enumerate(options, 1))
                self._write(f"Choose one by typing both numbers:\n{names}")
                return
            chosen = options[choice - 1]
            action |= {"selected_user": chosen["value"]} if "users" in element["type"] else {"selected_option": chosen}
        await self.interact(self.user, channel, ts, action)

    # The form, one field after the other.

    def _prompt(self) -> None:
        if not self._pending:
            if self._modal is not None and "submit" in self._modal:
                self._write(f"Enter: {self._modal['submit']['text']}")
            return
        block = self._pending[0]
        element = block["element"]
        names = [option["text"]["text"] for option in choices(element, self.people)]
        listed = "".join(f"\n  {number} {name}" for number, name in enumerate(names, 1))
        self._write(f"{block['label']['text']}:{listed}")

    async def _fill(self, line: str) -> None:
        assert self._modal is not None
        if line == "cancel":
            self._modal = None
            self._write("--- closed")
            return
        if self._pending:
            block = self._pending.pop(0)
            element = block["element"]
            self._fields[block["block_id"]] = {element["action_id"]: filled(element, line, self.people)}
        if self._pending:
            self._prompt()
            return
        errors = await self.submit(self.user, self._fields)
        if not errors:
            self._modal = None
            return
        for block_id, words in errors.items():
            self._write(f"! {words} (“cancel” closes)")
            self._pending += [block for block in self._modal["blocks"] if block.get("block_id") == block_id]
        self._prompt()

    # Showing.

    def _show(self, channel: str, message: Json, how: str = "") -> None:
        mine = channel == f"D{self.user}"
        if channel.startswith("D") and not mine:
            return
        where = "Callboard to you" if mine else f"#{self.channels.get(channel, channel)}"
        self._write(f"\n{where}{f' ({how})' if how else ''}")
        lines = self._screen.lines(message["blocks"], channel, message["ts"]) or [plain(message["text"])]
        lines += [f"  (file: {file['title'] or file['name']})" for file in message.get("files", ())]
        self._write("\n".join(lines))

    # Plumbing.

    def _find(self, channel: str, ts: str) -> Json:
        for message in self._messages.get(channel, ()):
            if message["ts"] == ts:
                return message
        raise KeyError("message_not_found")

    def _ts(self) -> str:
        return f"{time.time():.0f}.{next(self._counter):06d}"

    def _response_url(self, user: str, channel: str) -> str:
        ticket = f"r{next(self._counter)}"
        self._asked[ticket] = (user, channel)
        return f"{self.url}/respond/{ticket}"

    async def _interaction(self, payload: Json) -> Json:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self._send(body, "application/x-www-form-urlencoded")

    async def _send(self, body: bytes, content_type: str) -> Json:
        stamp = str(int(time.time()))
        signature = hmac.new(self._secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": content_type, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = f"v0={signature}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.post(f"{self.bot_url}/slack/events", data=body, headers=headers) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            self._write("! Callboard did not answer in time. Type it again.")
            return {}
        return dict(json.loads(text)) if text.startswith("{") else {}


def _short(name: str) -> str:
    return name.split()[0].casefold()
