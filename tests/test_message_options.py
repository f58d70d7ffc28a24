"""Options that every voice message of an account has: each mistake is a sentence, and what is right reaches the phone
service.
"""

import json
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from bot import assembly, call_options, jobs, message_queue
from bot.cards.said import Said
from bot.errors import NotAllowed
from bot.messaging import Wanted, create
from bot.orders import BASICS, MessageOrder, options
from bot.providers import NAMES, provider_class
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker
from tests.test_call_options import CALLGEAR, good, mistakes

NUMBER = "+12025550131"
ENABLEX = '[accounts.enablex]\ncli = "+12025550100"\n'


def test_every_option_of_a_message_can_be_set_or_says_why_not() -> None:
    every = {*options(MessageOrder), *BASICS[MessageOrder]}
    kind = call_options.MESSAGES
    assert set(kind.settable) | set(kind.not_here) == every
    assert not set(kind.settable) & set(kind.not_here)
    assert {"number", "text", "template", "record", "caller_id"} <= set(kind.not_here)


def test_a_message_that_lasts_as_long_as_it_may_is_not_taken_for_over_before() -> None:
    assert call_options.LONGEST_MESSAGE <= jobs.LONGEST_MESSAGE_SECONDS
    assert call_options.LONGEST_RING < jobs.SILENT_SECONDS


def test_what_cannot_be_set_because_no_service_carries_it_is_carried_by_none() -> None:
    for name in NAMES:
        assert "variables" not in provider_class(name).message_options


def test_options_are_read_as_orders_have_them(tmp_path: Path) -> None:
    text = (
        "[accounts.voicenter]\nmessage = { ring_seconds = 25, max_seconds = 60, caller_name = ' Green  Gardens ' }\n"
        + CALLGEAR
        + "message = { ring_seconds = 0, caller_id_rule = 'random' }\n"
        + ENABLEX
        + "[accounts.enablex.message]\nanswer_seconds = 5\nsilence_seconds = 2\n"
    )
    settings = good(tmp_path, text)
    assert settings.message_options("voicenter") == {
        **{"ring_seconds": 25, "max_seconds": 60, "caller_name": "Green  Gardens"}
    }
    assert settings.message_options("callgear") == {"ring_seconds": None, "caller_id_rule": "random"}
    assert settings.message_options("enablex") == {"answer_seconds": 5, "silence_seconds": 2}
    assert settings.message_options("nobody") == {}


@pytest.mark.parametrize(
    ("account", "table", "words"),
    [
        (CALLGEAR, "message = 5", "accounts.callgear.message must be a section, [accounts.callgear.message], or opti"),
        (CALLGEAR, "message = { colour = 'red' }", "message.colour: There is no such option of a voice message. Use "),
        (CALLGEAR, "message = { max_seconds = 60 }", "CallGear has no such option of a voice message. Remove it; tho"),
        (CALLGEAR, "message = { rep_ring_seconds = 20 }", "There is no such option of a voice message."),
        (CALLGEAR, "message = { text = 'Hello' }", "message.text: That is chosen for each message. Remove it here."),
        (CALLGEAR, "message = { caller_id = '1' }", "message.caller_id: That is chosen for each message: the line"),
        (CALLGEAR, "message = { record = true }", "message.record: What is recorded is said by [recording]"),
        (CALLGEAR, "message = { caller_id_rule = 'any' }", "message.caller_id_rule: CallGear has only these: fixed,"),
        (CALLGEAR, "message = { ring_seconds = 121 }", "It must be a whole number of seconds from 5 to 120, or 0 for"),
        (ENABLEX, "message = { voice = 'male' }", "message.voice: That is chosen for each message; for all of them "),
        (ENABLEX, "message = { answer_seconds = 11 }", "a whole number of seconds from 1 to 10, or 0 for the servi"),
        ("[accounts.voicenter]\n", "message = { max_seconds = 901 }", "a whole number of seconds from 1 to 900, or 0 "),
        ("[accounts.voicenter]\n", "message = { variables = { a = 'b' } }", "No service carries them with a voice mes"),
        ("[accounts.exolve]\n", "message = { ring_seconds = 20 }", "Remove it; none can be set for all of its messag"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, account: str, table: str, words: str) -> None:
    (found,) = mistakes(tmp_path, f"{account}{table}\n")
    assert words in found


# What reaches the phone service


async def messages(desk: Office, *wanted: Said) -> list[MessageOrder]:
    for number, said in enumerate(wanted):
        await create(desk.board, "key", Wanted(by="U2", recipients=((f"+1202555013{number}", ""),), said=said))
        await desk.settle()
    return speaker(desk).messages


@pytest.fixture
def text() -> str:
    given = "message = { ring_seconds = 25, max_seconds = 60, caller_name = 'Green Gardens' }"
    return SETTINGS.replace("[accounts.voicenter]", f"[accounts.voicenter]\n{given}")


async def test_what_is_typed_goes_before_what_is_set(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, text: str
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        first, second = await messages(desk, Said(text="Hello"), Said(text="Hello", ring_seconds=40, max_seconds=30))
        assert (first.ring_seconds, first.max_seconds, first.caller_name) == (25, 60, "Green Gardens")
        assert (second.ring_seconds, second.max_seconds, second.caller_name) == (40, 30, "Green Gardens")
        assert "rings 25 s at most" in desk.conversation("U2")[0].text


async def test_the_longest_is_a_limit_as_of_calls(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, text: str
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Speaker) as desk:
        with pytest.raises(NotAllowed, match="via Paperphone last 60 seconds at most, as your admin has"):
            await messages(desk, Said(text="Hello", max_seconds=61))
        assert speaker(desk).messages == []


async def test_a_message_keeps_the_options_that_it_was_asked_with(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, text: str
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Speaker) as desk:
        later = slack_clock() + 3600
        wanted = Wanted(by="U2", recipients=((NUMBER, ""),), said=Said(text="Hello"), send_at=later)
        await create(desk.board, "key", wanted)
    slack_clock.now = later + 60
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS, kind=Speaker) as desk:  # they were taken out
        await message_queue.due(desk.board)
        await desk.settle()
        assert [order.ring_seconds for order in speaker(desk).messages] == [25]


async def test_how_long_to_wait_for_an_answer_is_for_those_that_listen(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Listener(Speaker):
        """Like EnableX."""

    given = "message = { answer_seconds = 5, silence_seconds = 2 }"
    toml = f"{ENABLEX}{given}\n" + SETTINGS.partition("[accounts.voicenter]\n")[2].replace("voicenter", "enablex")
    top = SETTINGS.partition("[accounts.voicenter]\n")[0]
    settings = good(tmp_path, top + toml)
    async with office(tmp_path, fake_slack, slack_clock, kind=Listener) as desk:
        message_queue.watch(desk.board)
        desk.board.settings = settings
        desk.board.providers = {"enablex": desk.phone}
        desk.phone.account = "enablex"
        told = await messages(desk, Said(text="Hi"), Said(text="Hi", keys=True), Said(text="Hi", words=True))
        found = [(order.answer_seconds, order.silence_seconds) for order in told]
        assert found == [(None, None), (5, None), (5, 2)]


async def test_they_stand_in_the_orders_of_the_services(tmp_path: Path) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"result": {"data": {"call_session_id": 1}}, "ERRORCODE": 0, "CALLID": "x"})

    text = "[accounts.voicenter]\nmessage = { ring_seconds = 25, max_seconds = 60 }\n" + CALLGEAR
    settings = good(tmp_path, text + "message = { ring_seconds = 45, caller_id_rule = 'random' }\n")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        able = assembly.providers(settings, http)
        for name, said in (("voicenter", Said(template="welcome")), ("callgear", Said(text="Hello"))):
            given = {option: value for option, value in settings.message_options(name).items() if value}
            order = message_queue.order_of(msgspec.structs.replace(said, **given), "c-1", NUMBER)
            await able[name].send_message(order)
    form = parse_qs(sent[0].content.decode())
    assert (form["phonemaxdialtime"], form["maxduration"]) == (["25"], ["60"])
    params = json.loads(sent[1].content)["params"]
    assert (params["dialing_timeout"], params["virtual_phone_usage_rule"]) == (45, "random")
