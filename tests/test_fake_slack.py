"""The fake Slack refuses what Slack refuses, shows what people would see, and speaks with the real client."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests import fake_slack_methods, slack_facts, slack_requests
from tests.conftest import OutsideNetwork
from tests.fake_slack import FakeSlack
from tests.slack_samples import ANSWERED, TEXT, card, home, modal, plain
from tests.slack_state import Channel, Clock


async def refusal(call: Any) -> str:
    """The code with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


# Messages.


async def test_shows_what_was_posted_and_changed(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    kept = {"event_type": "card", "event_payload": {"call": "c1"}}
    posted = await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=card(), metadata=kept)
    await slack_client.chat_update(channel="C1", ts=posted["ts"], text=ANSWERED)
    (message,) = fake_slack.channel("C1")
    assert (message.ts, message.text, message.blocks, message.metadata) == (posted["ts"], ANSWERED, (), kept)
    assert [(old.text, len(old.blocks)) for old in message.updates] == [(TEXT, 2)]
    assert [request.outcome for request in fake_slack.requests] == ["ok", "ok"]
    assert fake_slack.requests[0].arguments["text"] == TEXT


async def test_metadata_goes_with_an_empty_object(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    ts = (
        await slack_client.chat_postMessage(
            channel="C1", text=TEXT, metadata={"event_type": "card", "event_payload": {"call": "c1"}}
        )
    )["ts"]
    await slack_client.chat_update(channel="C1", ts=ts, text=ANSWERED, metadata={})
    assert fake_slack.channel("C1")[0].metadata == {}
    assert await refusal(slack_client.chat_update(channel="C1", ts=ts, text=TEXT, metadata={"event_type": "card"})) == (
        "invalid_metadata_format"
    )


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        ("channel_not_found", {"channel": "C9", "text": TEXT}),
        ("channel_not_found", {"channel": "U1", "text": TEXT}),
        ("not_in_channel", {"channel": "C2", "text": TEXT}),
        ("invalid_arguments", {"text": TEXT, "channel": ""}),
        ("invalid_arguments", {"channel": "C1", "text": TEXT, "colour": "red"}),
        ("invalid_arguments", {"channel": "C1", "text": TEXT, "attachments": [{"fallback": "x"}]}),
        ("invalid_arguments", {"channel": "C1", "text": "Call"}),
        ("missing_scope", {"channel": "C1", "text": TEXT, "username": "Ada"}),
        ("no_text", {"channel": "C1", "text": " "}),
        ("msg_too_long", {"channel": "C1", "text": "x " * 2001}),
        ("invalid_blocks", {"channel": "C1", "text": TEXT, "blocks": [{"type": "section"}]}),
        ("invalid_blocks_format", {"channel": "C1", "text": TEXT, "blocks": '{"type":'}),
        ("invalid_blocks_format", {"channel": "C1", "text": TEXT, "blocks": "{}"}),
        ("invalid_metadata_format", {"channel": "C1", "text": TEXT, "metadata": {"event_type": "card"}}),
        ("cannot_reply_to_message", {"channel": "C1", "text": TEXT, "thread_ts": "1.2"}),
    ],
)
async def test_refused_posts(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, error: str, arguments: dict[str, Any]
) -> None:
    assert await refusal(slack_client.api_call("chat.postMessage", json=arguments)) == error
    assert fake_slack.channel("C1") == []
    assert fake_slack.requests[-1].outcome == error


async def test_says_in_words_what_is_wrong_with_blocks(slack_client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="a section needs text or fields"):
        await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=[{"type": "section"}])


async def test_archived_and_private_channels(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    fake_slack.channels["C1"].archived = True
    assert await refusal(slack_client.chat_postMessage(channel="C1", text=TEXT)) == "is_archived"
    fake_slack.channels["G1"] = Channel("G1", "board", private=True, bot_is_member=False)
    assert await refusal(slack_client.chat_postMessage(channel="G1", text=TEXT)) == "channel_not_found"


async def test_one_post_a_second_in_a_channel(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    fake_slack.channels["C2"].bot_is_member = True
    await slack_client.chat_postMessage(channel="C1", text=TEXT)
    await slack_client.chat_postMessage(channel="C2", text=TEXT)
    with pytest.raises(SlackApiError) as caught:
        await slack_client.chat_postMessage(channel="C1", text=TEXT)
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
    slack_clock.advance(1)
    await slack_client.chat_postMessage(channel="C1", text=TEXT)
    assert len(fake_slack.channel("C1")) == 2


async def test_fifty_updates_a_minute(slack_client: AsyncWebClient, slack_clock: Clock) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT))["ts"]
    for _ in range(50):
        await slack_client.chat_update(channel="C1", ts=ts, text=TEXT)
    slack_clock.advance(15)
    with pytest.raises(SlackApiError) as caught:
        await slack_client.chat_update(channel="C1", ts=ts, text=TEXT)
    assert caught.value.response.headers["Retry-After"] == "45"
    slack_clock.advance(45)
    await slack_client.chat_update(channel="C1", ts=ts, text=TEXT)


async def test_only_own_messages_that_are_there_can_be_changed(
    slack_client: AsyncWebClient, fake_slack: FakeSlack
) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT))["ts"]
    fake_slack.delete("C1", ts)
    assert await refusal(slack_client.chat_update(channel="C1", ts=ts, text=TEXT)) == "message_not_found"
    other = fake_slack.say("C1", "U1", "Who takes it?").ts
    assert await refusal(slack_client.chat_update(channel="C1", ts=other, text=TEXT)) == "cant_update_message"


async def test_only_own_messages_that_are_there_can_be_deleted(
    slack_client: AsyncWebClient, fake_slack: FakeSlack
) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT))["ts"]
    other = fake_slack.say("C1", "U1", "Who takes it?")
    await slack_client.chat_delete(channel="C1", ts=ts)
    assert fake_slack.channel("C1") == [other]
    assert await refusal(slack_client.chat_delete(channel="C1", ts=ts)) == "message_not_found"
    assert await refusal(slack_client.chat_delete(channel="C1", ts=other.ts)) == "cant_delete_message"


async def test_threads_and_permalinks(slack_client: AsyncWebClient, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    ts = (await slack_client.chat_postMessage(channel="C1", text=TEXT))["ts"]
    slack_clock.advance(1)
    await slack_client.chat_postMessage(channel="C1", text=ANSWERED, thread_ts=ts)
    assert [message.thread_ts for message in fake_slack.channel("C1")] == ["", ts]
    link = (await slack_client.chat_getPermalink(channel="C1", message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/C1/p{ts.replace('.', '')}")
    assert await refusal(slack_client.chat_getPermalink(channel="C1", message_ts="1.2")) == "message_not_found"


async def test_history_is_newest_first_in_pages(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    kept = {"event_type": "card", "event_payload": {"call": "c1"}}
    first = (await slack_client.chat_postMessage(channel="C1", text=TEXT, metadata=kept))["ts"]
    slack_clock.advance(1)
    await slack_client.chat_postMessage(channel="C1", text="A reply in the thread", thread_ts=first)
    second = fake_slack.say("C1", "U1", "Who takes it?").ts
    page = await slack_client.conversations_history(channel="C1", limit=1, include_all_metadata=True)
    assert ([message["ts"] for message in page["messages"]], page["has_more"]) == ([second], True)
    cursor = page["response_metadata"]["next_cursor"]
    page = await slack_client.conversations_history(channel="C1", limit=1, include_all_metadata=True, cursor=cursor)
    assert ([message["ts"] for message in page["messages"]], page["has_more"]) == ([first], False)
    assert page["messages"][0]["metadata"] == kept
    page = await slack_client.conversations_history(channel="C1", oldest=first)
    assert [message["ts"] for message in page["messages"]] == [second]
    page = await slack_client.conversations_history(channel="C1", oldest=first, inclusive=True)
    assert "metadata" not in page["messages"][1]


async def test_ephemerals(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    await slack_client.chat_postEphemeral(channel="C1", user="U2", text="Only you can see this.")
    assert [(shown.user, shown.channel, shown.text) for shown in fake_slack.ephemerals] == [
        ("U2", "C1", "Only you can see this.")
    ]
    fake_slack.channels["C1"].members.remove("U2")
    assert await refusal(slack_client.chat_postEphemeral(channel="C1", user="U2", text=TEXT)) == "user_not_in_channel"


async def test_direct_messages(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    assert fake_slack.dm("U1") == []
    channel = (await slack_client.conversations_open(users="U1"))["channel"]["id"]
    await slack_client.chat_postMessage(channel=channel, text="Your phone is +1 202 555 0101.")
    assert [message.text for message in fake_slack.dm("U1")] == ["Your phone is +1 202 555 0101."]
    assert (await slack_client.conversations_open(channel=channel))["channel"]["id"] == channel
    assert await refusal(slack_client.conversations_open(users="U9")) == "user_not_found"
    assert await refusal(slack_client.conversations_open(users=["U1", "U2"])) == "invalid_user_combination"
    assert await refusal(slack_client.conversations_open(users="")) == "users_list_not_supplied"
    fake_slack.users["U2"].deleted = True
    assert await refusal(slack_client.conversations_open(users="U2")) == "user_disabled"


# Scopes, tokens, people.


@pytest.mark.parametrize(
    ("scope", "method", "arguments"),
    [
        ("chat:write", "chat.postMessage", {"channel": "C1", "text": TEXT}),
        ("im:write", "conversations.open", {"users": "U1"}),
        ("channels:history", "conversations.history", {"channel": "C1"}),
        ("groups:history", "conversations.history", {"channel": "G1"}),
        ("im:history", "conversations.history", {"channel": "DU1"}),
        ("channels:read", "conversations.info", {"channel": "C1"}),
        ("groups:read", "conversations.info", {"channel": "G1"}),
        ("users:read", "users.info", {"user": "U1"}),
    ],
)
async def test_each_scope_is_needed(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, scope: str, method: str, arguments: dict[str, Any]
) -> None:
    fake_slack.channels["G1"] = Channel("G1", "board", private=True)
    fake_slack.open_dm("U1")
    await slack_client.api_call(method, params=arguments)
    fake_slack.scopes -= {scope}
    with pytest.raises(SlackApiError) as caught:
        await slack_client.api_call(method, params=arguments)
    assert caught.value.response["error"] == "missing_scope"
    assert scope in caught.value.response["needed"].split(",")


async def test_tokens(fake_slack: FakeSlack) -> None:
    async def error_with(token: str | None, method: str) -> str:
        return await refusal(AsyncWebClient(token=token, base_url=fake_slack.base_url).api_call(method))

    assert await error_with("xoxb-other", "auth.test") == "invalid_auth"
    assert await error_with(None, "auth.test") == "not_authed"
    assert await error_with(fake_slack.bot_token, "apps.connections.open") == "not_allowed_token_type"
    assert await error_with(fake_slack.bot_token, "chat.unfurl") == "unknown_method"
    assert fake_slack.bot_token not in repr(fake_slack.requests)


async def test_people_and_channels(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    assert (await slack_client.auth_test())["user_id"] == fake_slack.bot_user
    user = (await slack_client.users_info(user="U1"))["user"]
    assert (user["real_name"], user["tz"], user["tz_offset"], user["is_admin"]) == ("Ada", "Europe/London", 0, True)
    assert await refusal(slack_client.users_info(user="U9")) == "user_not_found"
    channel = (await slack_client.conversations_info(channel="C2", include_num_members=True))["channel"]
    assert (channel["name"], channel["is_member"], channel["num_members"]) == ("elsewhere", False, 1)


async def test_a_method_that_takes_no_json_sees_none(slack_client: AsyncWebClient) -> None:
    assert await refusal(slack_client.api_call("users.info", json={"user": "U1"})) == "invalid_arguments"


# Views.


async def test_a_trigger_works_once(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    trigger = fake_slack.mint_trigger("U2")
    view = (await slack_client.views_open(trigger_id=trigger, view=modal()))["view"]
    assert (fake_slack.views[view["id"]].user, view["callback_id"]) == ("U2", "dial")
    assert await refusal(slack_client.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"


async def test_a_trigger_works_for_three_seconds(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    early, late = fake_slack.mint_trigger("U1"), fake_slack.mint_trigger("U1")
    slack_clock.advance(3)
    await slack_client.views_open(trigger_id=early, view=modal())
    slack_clock.advance(0.1)
    assert await refusal(slack_client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
    assert await refusal(slack_client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"


async def test_views_are_checked(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    async def opened(**more: Any) -> str:
        return await refusal(slack_client.views_open(trigger_id=fake_slack.mint_trigger("U1"), view=modal(**more)))

    assert await opened(submit=plain("x" * 25)) == "invalid_arguments"
    assert await opened(type="home") == "invalid_arguments"
    large = [{"type": "section", "text": plain("€" * 3000)}] * 30
    assert await opened(blocks=large) == "view_too_large"
    assert fake_slack.views == {}


async def test_updates_of_a_view_can_be_held_to_its_hash(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    trigger = fake_slack.mint_trigger("U1")
    view = (await slack_client.views_open(trigger_id=trigger, view=modal(external_id="x")))["view"]
    changed = modal(external_id="x", title=plain("Calling"))
    await slack_client.views_update(view_id=view["id"], hash=view["hash"], view=changed)
    call = slack_client.views_update(view_id=view["id"], hash=view["hash"], view=changed)
    assert await refusal(call) == "hash_conflict"
    await slack_client.views_update(external_id="x", view=modal(title=plain("Done")))
    shown = fake_slack.views[view["id"]]
    assert [old["title"]["text"] for old in shown.updates] == ["Call", "Calling"]
    assert shown.view["title"]["text"] == "Done"
    assert await refusal(slack_client.views_update(view_id="V9", view=modal())) == "not_found"
    assert await refusal(slack_client.api_call("views.update", json={"view": modal()})) == "invalid_arguments"


async def test_external_ids_are_unique(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    await slack_client.views_open(trigger_id=fake_slack.mint_trigger("U1"), view=modal(external_id="x"))
    call = slack_client.views_open(trigger_id=fake_slack.mint_trigger("U2"), view=modal(external_id="x"))
    assert await refusal(call) == "duplicate_external_id"


async def test_home_tabs(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    first = (await slack_client.views_publish(user_id="U1", view=home()))["view"]
    await slack_client.views_publish(user_id="U1", view=home("Ada is ringing."), hash=first["hash"])
    assert await refusal(slack_client.views_publish(user_id="U1", view=home(), hash=first["hash"])) == "hash_conflict"
    assert fake_slack.homes["U1"].view["blocks"][0]["text"]["text"] == "Ada is ringing."
    assert await refusal(slack_client.views_publish(user_id="U9", view=home())) == "invalid_arguments"


# Faults.


async def test_dropped_before_and_after_acting(
    slack_client: AsyncWebClient, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    for kind, seen in (("drop_before", 0), ("drop_after", 1)):
        fake_slack.fail_next("chat.postMessage", kind)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await slack_client.chat_postMessage(channel="C1", text=TEXT)
        assert len(fake_slack.channel("C1")) == seen
    slack_clock.advance(1)
    await slack_client.chat_postMessage(channel="C1", text=TEXT)
    assert [request.outcome for request in fake_slack.requests] == ["drop_before", "drop_after", "ok"]


async def test_ordered_errors(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    fake_slack.fail_next("chat.postMessage", "500")
    fake_slack.fail_next("chat.postMessage", "ratelimited", retry_after=7)
    fake_slack.fail_next("chat.postMessage", "token_revoked")
    statuses = []
    for _ in range(3):
        with pytest.raises(SlackApiError) as caught:
            await slack_client.chat_postMessage(channel="C1", text=TEXT)
        response = caught.value.response
        statuses.append((response.status_code, response.headers.get("Retry-After"), response.get("error")))
    assert statuses == [(500, None, None), (429, "7", "ratelimited"), (200, None, "token_revoked")]
    assert fake_slack.channel("C1") == []


async def test_a_method_that_hangs_acts_when_released(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    hang = fake_slack.hang("chat.postMessage")
    call = asyncio.create_task(slack_client.chat_postMessage(channel="C1", text=TEXT))
    await hang.reached.wait()
    assert fake_slack.channel("C1") == []
    hang.release()
    await call
    assert len(fake_slack.channel("C1")) == 1


async def test_what_hangs_at_the_end_has_no_effect(slack_clock: Clock) -> None:
    slack = FakeSlack(slack_clock)
    await slack.start()
    hang = slack.hang("chat.postMessage")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, retry_handlers=[])
    call = asyncio.create_task(client.chat_postMessage(channel="C1", text=TEXT))
    await hang.reached.wait()
    await slack.stop()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call
    assert slack.channel("C1") == []


def test_has_the_methods_of_the_facts() -> None:
    assert set(fake_slack_methods.METHODS) == set(slack_facts.METHODS)


def test_no_test_reaches_beyond_this_machine() -> None:
    with pytest.raises(OutsideNetwork):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OutsideNetwork):
        socket.getaddrinfo("slack.com", 443)


# Pictures.


async def test_a_picture_is_shown_once_slack_knows_what_it_is(
    slack_client: AsyncWebClient, fake_slack: FakeSlack
) -> None:
    def shown(file: str) -> Any:
        block = {"type": "image", "slack_file": {"id": file}, "alt_text": "Calls by hour"}
        return slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=[*card(), block])

    async def sent(name: str, content: bytes) -> str:
        address = await slack_client.files_getUploadURLExternal(filename=name, length=len(content))
        file = str(address["file_id"])
        assert await refusal(shown(file)) == "invalid_blocks"
        async with aiohttp.ClientSession() as session:
            assert (await session.post(address["upload_url"], data=content)).status == 200
        assert await refusal(shown(file)) == "invalid_blocks"
        given: dict[str, Any] = {"files": [{"id": file}]}
        with_words = slack_client.files_completeUploadExternal(**given, initial_comment="x")
        assert await refusal(with_words) == "invalid_arguments"
        await slack_client.files_completeUploadExternal(**given)
        assert await refusal(slack_client.files_completeUploadExternal(**given)) == "file_not_found"
        assert fake_slack.channel("C1") == []
        return file

    assert await refusal(shown("F404")) == "invalid_blocks"
    fake_slack.processing = 2
    file, words = await sent("a.png", b"\x89PNG\r\n\x1a\n"), await sent("words.png", b"no picture at all")
    for _ in range(2):
        for one in (file, words):
            assert await refusal(shown(one)) == "invalid_blocks"
            assert (await slack_client.files_info(file=one))["file"]["mimetype"] == ""
    assert (await slack_client.files_info(file=file))["file"]["mimetype"] == "image/png"
    assert await refusal(shown(words)) == "invalid_blocks"
    posted = await shown(file)
    fake_slack.files[file].deleted = True
    edit = slack_client.chat_update(channel="C1", ts=posted["ts"], text=TEXT, blocks=fake_slack.channel("C1")[0].blocks)
    assert await refusal(edit) == "invalid_blocks"


# Calls.


async def test_a_call_object_lives_by_slacks_rules(slack_client: AsyncWebClient, fake_slack: FakeSlack) -> None:
    fake_slack.scopes |= {"calls:write"}
    about: dict[str, Any] = {"external_unique_id": "c1", "join_url": "https://callboard.example/phone"}
    assert await refusal(slack_client.calls_add(**about)) == "invalid_created_by"
    about["created_by"] = "U1"
    assert await refusal(slack_client.calls_add(**about, users=[{"slack_id": "U404"}])) == "user_not_found"
    late = int(fake_slack.now()) + 3600
    assert await refusal(slack_client.calls_add(**about, date_start=late)) == "invalid_start_time"
    call = (await slack_client.calls_add(**about, users=[{"slack_id": "U1"}]))["call"]["id"]
    assert await refusal(slack_client.calls_add(**about)) == "internal_error"
    assert await refusal(slack_client.calls_participants_add(id=call, users=[{"slack_id": "U1"}])) == "bad_users"
    assert await refusal(slack_client.calls_participants_remove(id=call, users=[{"slack_id": "U2"}])) == "bad_users"
    shown = [card()[0], {"type": "call", "call_id": call}]
    posted = await slack_client.chat_postMessage(channel="C1", text=TEXT, blocks=shown)
    edit = slack_client.chat_update(channel="C1", ts=posted["ts"], text=TEXT, blocks=shown)
    assert await refusal(edit) == "invalid_blocks"
    await slack_client.calls_end(id=call, duration=5)
    assert await refusal(slack_client.calls_end(id=call)) == "inactive_call"
    assert await refusal(slack_client.calls_update(id="R404", title="x")) == "invalid_call_id"


# Steps of workflows.


async def test_an_execution_takes_one_answer_of_the_declared_types(
    slack_client: AsyncWebClient, fake_slack: FakeSlack
) -> None:
    slack_requests.function_executed(fake_slack, "place_a_call", {}, execution="Fx1")
    good = {"outcome": "busy", "talk_seconds": 0, "number": "+12025550101"}
    for outputs in ({}, good | {"talk_seconds": "0"}, good | {"talk_seconds": True}, good | {"more": "x"}):
        answer = slack_client.functions_completeSuccess(function_execution_id="Fx1", outputs=outputs)
        assert await refusal(answer) == "parameter_validation_failed"
    await slack_client.functions_completeSuccess(function_execution_id="Fx1", outputs=good)
    assert fake_slack.executions["Fx1"].outputs == good
    for name, code in (("Fx1", "execution_not_in_running_state"), ("Fx2", "function_execution_not_found")):
        assert await refusal(slack_client.functions_completeError(function_execution_id=name, error="No.")) == code
