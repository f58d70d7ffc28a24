"""What Slack sends to the bot, and what the bot answers outside the Web API; the real Bolt understands it."""

import json
import time
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.fake_slack_replies import command_reply, submission_reply
from tests.slack_samples import ANSWERED, TEXT, card, home, modal, plain
from tests.slack_state import Clock

# response_url, and answers to commands and submissions.


async def respond(url: str, **body: Any) -> int:
    return (await AsyncWebhookClient(url, retry_handlers=[]).send(**body)).status_code


async def test_a_response_url_works_five_times(fake_slack: FakeSlack) -> None:
    url = fake_slack.mint_response_url("U1", "C2")
    assert [await respond(url, text=TEXT) for _ in range(6)] == [200] * 5 + [404]
    assert [shown.user for shown in fake_slack.ephemerals] == ["U1"] * 5
    assert fake_slack.channel("C2") == []


async def test_a_response_url_works_for_half_an_hour(fake_slack: FakeSlack, slack_clock: Clock) -> None:
    url = fake_slack.mint_response_url("U1", "C2")
    slack_clock.advance(1800)
    assert await respond(url, text=TEXT, response_type="in_channel") == 200
    assert [message.text for message in fake_slack.channel("C2")] == [TEXT]
    slack_clock.advance(1)
    assert await respond(url, text=TEXT) == 404
    assert await respond(f"{fake_slack.origin}/response/R0", text=TEXT) == 404


async def test_a_response_url_is_checked(fake_slack: FakeSlack) -> None:
    url = fake_slack.mint_response_url("U1", "C1")
    assert await respond(url, text=TEXT, blocks=[{"type": "section"}]) == 400
    assert await respond(url, text=TEXT, response_type="public") == 400
    assert await respond(url, text=TEXT, unfurl_links=True) == 400
    assert await respond(url, text=TEXT, replace_original=True) == 400
    assert fake_slack.ephemerals == []


async def test_a_response_url_changes_what_was_clicked(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=card()))["ts"]
    alone = (await slack_client.chat_postEphemeral(channel="C1", user="U1", text=TEXT))["message_ts"]
    urls = [fake_slack.mint_response_url("U1", "C1", original) for original in (ts, alone)]
    for url in urls:
        assert await respond(url, text=ANSWERED, replace_original=True) == 200
    assert [message.text for message in fake_slack.channel("C1")] == [ANSWERED]
    assert [shown.text for shown in fake_slack.ephemerals] == [ANSWERED]
    for url in urls:
        assert await respond(url, delete_original=True) == 200
    assert (fake_slack.channel("C1"), fake_slack.ephemerals) == ([], [])
    assert await respond(urls[0], delete_original=True) == 400


def test_answers_to_commands(slack_clock: Clock) -> None:
    slack = FakeSlack(slack_clock)
    command_reply(slack, "U1", "C1", 200, b"")
    command_reply(slack, "U1", "C1", 200, b"Calling Grace now.")
    command_reply(slack, "U1", "C1", 200, json.dumps({"text": TEXT, "response_type": "in_channel"}).encode())
    assert [shown.text for shown in slack.ephemerals] == ["Calling Grace now."]
    assert [message.text for message in slack.channel("C1")] == [TEXT]
    with pytest.raises(AssertionError, match="500"):
        command_reply(slack, "U1", "C1", 500, b"")


async def test_answers_to_submissions(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    async def opened() -> str:
        trigger = fake_slack.mint_trigger("U1")
        return str((await slack_client.views_open(trigger_id=trigger, view=modal()))["view"]["id"])

    def reply(view_id: str, **body: Any) -> dict[str, str]:
        return submission_reply(fake_slack, view_id, 200, json.dumps(body).encode() if body else b"")

    view = await opened()
    assert reply(view, response_action="errors", errors={"number": "Too short."}) == {"number": "Too short."}
    with pytest.raises(AssertionError, match="no inputs"):
        reply(view, response_action="errors", errors={"typed": "Too short."})
    reply(view, response_action="update", view=modal(title=plain("Calling")))
    assert fake_slack.views[view].view["title"]["text"] == "Calling"
    for _ in range(2):
        reply(view, response_action="push", view=modal())
    with pytest.raises(AssertionError, match="allows 3"):
        reply(view, response_action="push", view=modal())
    reply(view)
    assert view not in fake_slack.views
    reply(await opened(), response_action="clear")
    assert fake_slack.views == {}


# What Slack sends.


def test_requests_are_signed(slack_clock: Clock) -> None:
    slack = FakeSlack(slack_clock)
    headers, body = slack_requests.slash_command(slack, "/call", "+1 202 555 0101")
    verifier = SignatureVerifier(slack.signing_secret)
    arguments = (body, headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"])
    assert verifier.generate_signature(timestamp=arguments[1], body=body) == arguments[2]
    assert slack.signing_secret not in repr(headers)


async def test_people_can_only_use_what_they_see(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=card("1", "2")))["ts"]

    def click(**more: Any) -> dict[str, Any]:
        more = {"action_id": "call_back", "channel": "C1", "ts": ts, **more}
        return slack_requests.payload_of(slack_requests.click(fake_slack, **more))

    payload = click(value="2", user="U2")
    (action,) = payload["actions"]
    assert (action["value"], action["block_id"]) == ("2", fake_slack.channel("C1")[0].blocks[2]["block_id"])
    assert (payload["user"]["id"], payload["channel"]["id"], payload["message"]["ts"]) == ("U2", "C1", ts)
    with pytest.raises(AssertionError, match="say which by value"):
        click()
    with pytest.raises(AssertionError, match="there is no 'hang_up'"):
        click(action_id="hang_up")
    with pytest.raises(AssertionError, match="sees no message"):
        click(ts="1.2")
    fake_slack.channels["C1"].members.remove("U2")
    with pytest.raises(AssertionError, match="not in C1"):
        click(value="2", user="U2")


async def test_ephemerals_are_seen_by_one_person(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    answer = await slack_client.chat_postEphemeral(channel="C1", user="U2", text=TEXT, blocks=card())
    where = {"channel": "C1", "ts": answer["message_ts"]}
    payload = slack_requests.payload_of(slack_requests.click(fake_slack, "call_back", user="U2", **where))
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    with pytest.raises(AssertionError, match="U1 sees no message"):
        slack_requests.click(fake_slack, "call_back", user="U1", **where)


async def test_what_is_filled_in(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    trigger = fake_slack.mint_trigger("U1")
    view = (await slack_client.views_open(trigger_id=trigger, view=modal()))["view"]["id"]

    def submitted(**values: Any) -> dict[str, Any]:
        payload = slack_requests.payload_of(slack_requests.submit(fake_slack, view, values))
        return dict(payload["view"]["state"]["values"])

    assert submitted(typed="+1 202 555 0101", queue="sales") == {
        "number": {"typed": {"type": "plain_text_input", "value": "+1 202 555 0101"}},
        "queue": {
            "queue": {"type": "static_select", "selected_option": {"text": plain("Sales"), "value": "sales"}},
        },
    }
    assert submitted(typed="1")["queue"]["queue"]["selected_option"] is None
    with pytest.raises(AssertionError, match="asks for 'typed'"):
        submitted(queue="sales")
    with pytest.raises(AssertionError, match="not offered"):
        submitted(typed="1", queue="billing")
    with pytest.raises(AssertionError, match="no input"):
        submitted(typed="1", other="2")
    with pytest.raises(AssertionError, match="notify_on_close"):
        slack_requests.close(fake_slack, view)


async def test_home_tabs_and_selects(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    select = {"type": "external_select", "action_id": "contact", "min_query_length": 2}
    blocks = [*card("7"), {"type": "actions", "elements": [select]}]
    view = (await slack_client.views_publish(user_id="U1", view={**home(), "blocks": blocks}))["view"]["id"]
    payload = slack_requests.payload_of(slack_requests.click(fake_slack, "call_back", view_id=view))
    assert (payload["container"], payload["actions"][0]["value"]) == ({"type": "view", "view_id": view}, "7")
    assert "response_url" not in payload
    payload = slack_requests.payload_of(slack_requests.click(fake_slack, "contact", view_id=view, value="ada"))
    assert payload["actions"][0]["selected_option"]["value"] == "ada"
    payload = slack_requests.payload_of(slack_requests.ask_options(fake_slack, "contact", "ad", view_id=view))
    assert (payload["type"], payload["action_id"], payload["value"]) == ("block_suggestion", "contact", "ad")
    with pytest.raises(AssertionError, match="would not ask"):
        slack_requests.ask_options(fake_slack, "call_back", "ad", view_id=view)
    with pytest.raises(AssertionError, match="nothing is chosen"):
        slack_requests.click(fake_slack, "contact", view_id=view)
    with pytest.raises(AssertionError, match="U2 does not see"):
        slack_requests.click(fake_slack, "call_back", view_id=view, user="U2")
    with pytest.raises(AssertionError, match="nobody sees"):
        slack_requests.click(fake_slack, "call_back", view_id="V99")


def test_a_repeated_event_keeps_its_id(slack_clock: Clock) -> None:
    slack = FakeSlack(slack_clock)
    headers, body = slack_requests.direct_message(slack, "help", event_id="Ev1", retry=2)
    assert headers["X-Slack-Retry-Num"] == "2"
    found = json.loads(body)
    assert (found["event_id"], found["event"]["type"], found["event"]["text"]) == ("Ev1", "message", "help")
    assert [message.text for message in slack.dm("U1")] == ["help"]


def bolt_app(slack: FakeSlack, client: AsyncWebClient, seen: list[str]) -> AsyncApp:
    """A bot that writes down what it is sent, and answers a command with a modal."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=slack.team, bot_token=slack.bot_token, bot_user_id=slack.bot_user
        )

    app = AsyncApp(
        signing_secret=slack.signing_secret, client=client, authorize=authorize, process_before_response=True
    )

    @app.command("/call")
    async def command(ack: Any, body: Any, client: AsyncWebClient) -> None:
        await ack(text=f"Calling {body['text']} now.")
        await client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    @app.action("call_back")
    async def action(ack: Any, action: Any, respond: Any) -> None:
        await ack()
        await respond(text=f"Calling back {action['value']} now.")

    @app.options("contact")
    async def options(ack: Any, payload: Any) -> None:
        await ack(options=[{"text": plain(payload["value"]), "value": "1"}])

    @app.view("dial")
    async def view(ack: Any, view: Any) -> None:
        await ack(response_action="errors", errors={"number": view["state"]["values"]["number"]["typed"]["value"]})

    @app.view_closed("dial")
    async def closed(ack: Any) -> None:
        await ack()
        seen.append("closed")

    for name in ("app_home_opened", "message", "app_uninstalled", "tokens_revoked"):

        @app.event(name)
        async def on_event(event: Any) -> None:
            seen.append(event["type"])

    return app


async def test_bolt_understands_the_requests(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    seen: list[str] = []
    app: Any = AsyncSlackRequestHandler(bolt_app(fake_slack, slack_client, seen))
    asgi = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=asgi, base_url="http://bot") as http:

        async def post(signed: slack_requests.Signed) -> httpx.Response:
            return await http.post("/slack/events", headers=signed[0], content=signed[1])

        reply = await post(slack_requests.slash_command(fake_slack, "/call", "Grace"))
        command_reply(fake_slack, "U1", "C1", reply.status_code, reply.content)
        (view,) = fake_slack.views
        reply = await post(slack_requests.submit(fake_slack, view, {"typed": "Too short."}))
        assert submission_reply(fake_slack, view, reply.status_code, reply.content) == {"number": "Too short."}
        assert (await post(slack_requests.close(fake_slack, view))).status_code == 200
        ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=card("7")))["ts"]
        await post(slack_requests.click(fake_slack, "call_back", channel="C1", ts=ts))
        select = {"type": "external_select", "action_id": "contact"}
        await slack_client.views_publish(
            user_id="U1", view={**home(), "blocks": [{"type": "actions", "elements": [select]}]}
        )
        shown = fake_slack.homes["U1"].id
        reply = await post(slack_requests.ask_options(fake_slack, "contact", "Gra", view_id=shown))
        assert reply.json()["options"] == [{"text": plain("Gra"), "value": "1"}]
        await post(slack_requests.home_opened(fake_slack))
        await post(slack_requests.direct_message(fake_slack, "help"))
        await post(slack_requests.uninstalled(fake_slack))
        await post(slack_requests.tokens_revoked(fake_slack))
        fake_slack.signed_at = lambda: time.time() - 301
        assert (await post(slack_requests.home_opened(fake_slack))).status_code == 401
    assert [shown.text for shown in fake_slack.ephemerals] == ["Calling Grace now.", "Calling back 7 now."]
    assert seen == ["closed", "app_home_opened", "message", "app_uninstalled", "tokens_revoked"]


async def test_bolt_understands_envelopes(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    seen: list[str] = []
    app = bolt_app(fake_slack, slack_client, seen)
    handler: Any = AsyncSocketModeHandler(app, fake_slack.app_token, web_client=slack_client)
    await handler.connect_async()
    await fake_slack.sockets.connected.wait()
    command = slack_requests.payload_of(slack_requests.slash_command(fake_slack, "/call", "Grace"))
    assert await fake_slack.sockets.deliver("slash_commands", command) == {"text": "Calling Grace now."}
    event = slack_requests.payload_of(slack_requests.home_opened(fake_slack))
    assert await fake_slack.sockets.deliver("events_api", event) == {}
    await handler.close_async()
    assert seen == ["app_home_opened"]
