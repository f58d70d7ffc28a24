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
        app: the ASGI application with /api/{method} and /respond/{id}.
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
        self._fields: dict[str, dict[str, Json]] = {}
        self._pending: list[Json] = []
        self._buttons: dict[int, tuple[str, str, Json]] = {}
        self._counter = itertools.count(1)
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self._api, methods=["GET", "POST"]),
                Route("/respond/{id}", self._respond, methods=["POST"]),
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
        message = {
            "ts": self._ts(),
            "user": BOT_USER,
            "text": given.get("text", ""),
            "blocks": given.get("blocks") or [],
        }
        message |= {"metadata": given["metadata"]} if given.get("metadata") else {}
        self._messages[channel].append(message)
        self._show(channel, message)
        return {"channel": channel, "ts": message["ts"]}

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
        self._write(f"\n--- {self._modal['title']['text']} (empty keeps what is shown, “cancel” closes)")
        self._prompt()
        return {"view": self._modal}

    def _views_publish(self, given: Json) -> Json:
        view = {**given["view"], "id": f"H{given['user_id']}"}
        if given["user_id"] == self.user:
            self._write("\n--- App Home\n" + "\n".join(self._lines(view["blocks"], "", "")))
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
        """A person uses an element of a message."""
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": TEAM},
            "team": {"id": TEAM},
            "api_app_id": "A0TERMINAL",
            "trigger_id": f"{next(self._counter)}.t",
            "channel": {"id": channel},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "response_url": self._response_url(user, channel),
            "actions": [action],
        }
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
        elif line and line.split()[0].isdigit():
            await self._press(*(int(word) for word in line.split()[:2] if word.isdigit()))
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
        if number not in self._buttons:
            self._write("There is no button of that number. The numbers stand in [brackets].")
            return
        channel, ts, element = self._buttons[number]
        action: Json = {key: element[key] for key in ("type", "action_id", "block_id", "value") if key in element}
        if element["type"] != "button":
            options = element["options"]
            if not 1 <= choice <= len(options):
                names = "\n".join(f"  {number} {n}  {o['text']['text']}" for n, o in enumerate(options, 1))
                self._write(f"Choose one by typing both numbers:\n{names}")
                return
            action["selected_option"] = options[choice - 1]
        await self.interact(self.user, channel, ts, action)

    # The form, one field after the other.

    def _prompt(self) -> None:
        if not self._pending:
            return
        block = self._pending[0]
        element = block["element"]
        names = [option["text"]["text"] for option in element.get("options", ())]
        choices = "".join(f"\n  {number} {name}" for number, name in enumerate(names, 1))
        self._write(f"{block['label']['text']}:{choices}")

    async def _fill(self, line: str) -> None:
        assert self._modal is not None
        if line == "cancel":
            self._modal = None
            self._write("--- closed")
            return
        if self._pending:
            block = self._pending.pop(0)
            element = block["element"]
            self._fields[block["block_id"]] = {element["action_id"]: _filled(element, line)}
        if self._pending:
            self._prompt()
            return
        errors = await self.submit(self.user, self._fields)
        if not errors:
            self._modal = None
            return
        for block_id, words in errors.items():
            self._write(f"! {words}")
            self._pending += [block for block in self._modal["blocks"] if block.get("block_id") == block_id]
        self._prompt()

    # Showing.

    def _show(self, channel: str, message: Json, how: str = "") -> None:
        mine = channel == f"D{self.user}"
        if channel.startswith("D") and not mine:
            return
        where = "Callboard to you" if mine else f"#{self.channels.get(channel, channel)}"
        self._write(f"\n{where}{f' ({how})' if how else ''}")
        self._write("\n".join(self._lines(message["blocks"], channel, message["ts"]) or [_plain(message["text"])]))

    def _lines(self, blocks: list[Json], channel: str, ts: str) -> list[str]:
        lines = []
        for block in blocks:
            texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
            words = [self._named(text["text"]) for text in texts if text and isinstance(text.get("text"), str)]
            lines += [f"  {_plain(line)}" for word in words for line in word.splitlines()]
            elements = [e for e in (*block.get("elements", ()), block.get("accessory")) if e and "action_id" in e]
            shown = [
                self._numbered(channel, ts, {**element, "block_id": block.get("block_id", "")}) for element in elements
            ]
            if shown:
                lines.append("  " + "  ".join(shown))
        return lines

    def _numbered(self, channel: str, ts: str, element: Json) -> str:
        number = next((n for n, known in self._buttons.items() if known == (channel, ts, element)), 0)
        if not number:
            number = len(self._buttons) + 1
            self._buttons[number] = (channel, ts, element)
        label = element.get("text") or element.get("placeholder") or {"text": element["action_id"]}
        return f"[{number}] {label['text']}"

    def _named(self, text: str) -> str:
        for user, name in self.people.items():
            text = text.replace(f"<@{user}>", name)
        return text

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
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{self.bot_url}/slack/events", data=body, headers=headers) as answer,
        ):
            text = await answer.text()
        return dict(json.loads(text)) if text.startswith("{") else {}


def _filled(element: Json, line: str) -> Json:
    """The value of a form's field as Slack would send it."""
    options = element.get("options", ())
    chosen = [options[int(word) - 1] for word in line.split() if word.isdigit() and 0 < int(word) <= len(options)]
    match element["type"]:
        case "static_select" | "radio_buttons":
            return {"type": element["type"], "selected_option": chosen[0] if chosen else element.get("initial_option")}
        case "checkboxes":
            return {"type": element["type"], "selected_options": chosen or element.get("initial_options", [])}
        case "datepicker":
            return {"type": element["type"], "selected_date": line or element.get("initial_date")}
        case _:
            return {"type": element["type"], "value": line or element.get("initial_value")}


def _plain(text: str) -> str:
    """mrkdwn without its signs, entities as the characters they stand for."""
    for sign, character in (("*", ""), ("`", ""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(sign, character)
    return text


def _short(name: str) -> str:
    return name.split()[0].casefold()
