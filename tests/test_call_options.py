"""Options that every call of an account or a line has: each mistake is a sentence, and what is right reaches the phone
service.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from msgspec.structs import replace
from typing_extensions import override

from bot import assembly, call_options, dialing, settings_reader
from bot.errors import NeedsConsent, NotAllowed
from bot.intents import Ask
from bot.orders import BASICS, CallOrder, RepPhone, Speech, options
from bot.routing import ByLine
from bot.settings import Settings
from bot.store import ledger
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

NUMBER, SECOND = "+12025550123", "+12025550124"
SECRETS = {
    **{"CALLGEAR_ACCESS_TOKEN": "TOKEN", "GURULIZE_PASSWORD": "PASSWORD", "EXOLVE_API_KEY": "KEY"},
    **{"ENABLEX_APP_ID": "ID", "ENABLEX_APP_KEY": "KEY"},
}
TEN = ", ".join(f"v{n} = 'x'" for n in range(10))
CALLGEAR = '[accounts.callgear]\nvirtual_phone_number = "+12025550100"\n'
GURULIZE = '[accounts.gurulize]\nurl = "https://gurulize.example/c2c"\nusername = "office"\n'


def examine(folder: Path, text: str) -> tuple[Settings | None, list[str]]:
    file = folder / "callboard.toml"
    file.write_text(text, encoding="utf-8")
    return settings_reader.examine(ENVIRONMENT | SECRETS, file)


def good(folder: Path, text: str) -> Settings:
    settings, errors = examine(folder, text)
    assert settings is not None, errors
    return settings


def mistakes(folder: Path, text: str) -> list[str]:
    return examine(folder, text)[1]


# What is read


def test_every_option_of_a_call_can_be_set_or_says_why_not() -> None:
    every = {*options(CallOrder), *BASICS[CallOrder]}
    assert set(call_options.SETTABLE) | set(call_options.NOT_HERE) == every
    assert not set(call_options.SETTABLE) & set(call_options.NOT_HERE)
    assert {"call_id", "rep", "number", "caller_id", "record", "customer_first"} <= set(call_options.NOT_HERE)


def test_options_are_read_as_orders_have_them(tmp_path: Path) -> None:
    text = (
        "[accounts.voicenter.call]\nring_seconds = 25\nrep_ring_seconds = 0\ncaller_name = ' Green Gardens '\n"
        "rep_caller_id = '(202) 555-0199'\nrep_must_be_online = true\nlanguage = 'he'\nvariables = { team = 'north' }\n"
        + CALLGEAR
        + "[accounts.callgear.call]\nconfirm_key = 'any'\ncustomer_message = 'One  moment.'\n"
        "rep_message = { media = '102' }\n"
    )
    voicenter, callgear = good(tmp_path, text).accounts
    assert voicenter.call == {
        **{"ring_seconds": 25, "rep_ring_seconds": None, "caller_name": "Green Gardens", "language": "he"},
        **{"rep_caller_id": "+12025550199", "rep_must_be_online": True, "variables": {"team": "north"}},
    }
    assert callgear.call == {
        **{"confirm_key": "any", "customer_message": Speech(text="One moment."), "rep_message": Speech(media="102")},
    }


def test_a_line_goes_before_its_account(tmp_path: Path) -> None:
    text = (
        "[accounts.voicenter]\ncall = { ring_seconds = 25, caller_name = 'Office', rep_must_be_online = true }\n"
        f"[lines.'{LINE}']\ncall = {{ caller_name = '', ring_seconds = 40, language = 'en' }}\n[lines.'+12025550101']\n"
    )
    settings = good(tmp_path, text)
    account = {"ring_seconds": 25, "caller_name": "Office", "rep_must_be_online": True}
    assert settings.call_options("voicenter", "") == account
    assert settings.call_options("voicenter", "+12025550101") == account
    assert settings.call_options("voicenter", "+12025550177") == account  # no line of ours
    assert settings.call_options("voicenter", LINE) == {
        **{"ring_seconds": 40, "caller_name": "", "rep_must_be_online": True, "language": "en"}
    }
    assert settings.call_options("nobody", "") == {}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("call = 5", 'accounts.callgear.call must be a section, [accounts.callgear.call], or options in braces'),
        ("call = { colour = 'red' }", "accounts.callgear.call.colour: There is no such option of a call. Use one of: "),
        ("call = { number = '1' }", "call.number: That is chosen for each call, whoever calls and whom. Remove it"),
        ("call = { caller_id = '1' }", "call.caller_id: That is chosen for each call: the line"),
        ("call = { record = true }", "call.record: What is recorded is said by [recording]"),
        ("call = { customer_first = true }", "hears silence. Remove it here."),
        ("call = { dial_digits = '1' }", "it is typed after the number, “ext 123”. Remove it here."),
        ("call = { scenario = '55' }", "it is typed after “scenario”. Remove it here."),
        ("call = { ring_seconds = 25 }", "CallGear has no such option of a call. Remove it; those it has: hide_line"),
        ("call = { hear_dialling = 'yes' }", "call.hear_dialling: It must be true or false."),
        ("call = { caller_id_rule = 1 }", "call.caller_id_rule: It must be a text in quotes."),
        ("call = { caller_id_rule = 'any' }", "CallGear has only these: fixed, fixed_for_numa, random, "),
        ("call = { dial_music = 'tune' }", "call.dial_music: CallGear knows its sounds by a number."),
        ("call = { confirm_key = '12' }", 'call.confirm_key: It must be one key, 0 to 9, "*" or "#", or "any".'),
        ("call = { confirm_key = 5 }", "call.confirm_key: It must be a text in quotes."),
        ("call = { rep_message = 5 }", "call.rep_message: It must be a text that is spoken, in quotes, or a stored so"),
        ("call = { rep_message = { text = 'x' } }", "call.rep_message: It must be a text that is spoken, in quotes"),
        ("call = { rep_message = { media = 5 } }", "call.rep_message: It must be a text that is spoken, in quotes"),
        (f"call = {{ rep_message = '{'x' * 501}' }}", "call.rep_message: It has 501 characters. Make it 500 at most."),
        ("call = { customer_message = 'Hi 😀' }", "call.customer_message: CallGear cannot speak “😀”."),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, table: str, words: str) -> None:
    (found,) = mistakes(tmp_path, f"{CALLGEAR}{table}\n")
    assert found.startswith("accounts.callgear.call")
    assert words in found
    assert found.endswith((".", "}."))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            "ring_seconds = 4",
            "ring_seconds: It must be a whole number of seconds from 5 to 120, or 0 for the service's",
        ),
        ("rep_ring_seconds = 121", "rep_ring_seconds: It must be a whole number of seconds from 5 to 120"),
        ("max_seconds = 86401", "max_seconds: It must be a whole number of seconds from 1 to 86400"),
        ("max_seconds = true", "max_seconds: It must be a whole number of seconds"),
        ("max_seconds = -1", "max_seconds: It must be a whole number of seconds"),
        ("max_seconds = '30m'", "max_seconds: It must be a whole number of seconds"),
        ("rep_caller_id = '12'", "rep_caller_id: “12” is too short for a phone number."),
        ("language = 'english'", 'language: It must be a language code of two small letters, like "en".'),
        ("caller_name = 'two\\nlines'", "caller_name: It must be one line of at most 100 characters."),
        (f"caller_name = '{'x' * 101}'", "caller_name: It must be one line of at most 100 characters."),
        ("variables = 5", "variables: It must be names with texts in quotes"),
        ("variables = { team = 5 }", "variables: It must be names with texts in quotes"),
        ("variables = { 'my team' = 'x' }", "variables: “my team” is no name of a variable."),
        ("variables = { callboard = 'x' }", "variables: “callboard” is what Callboard's own id of a call is called."),
        (f"variables = {{ {TEN} }}", "There are 10, and Voicenter carries 9"),
        ("confirm_key = '1'", "confirm_key: Voicenter has no such option of a call."),
    ],
)
def test_a_mistake_on_a_line_is_named(tmp_path: Path, option: str, words: str) -> None:
    option = option.replace("'two\\nlines'", '"two\\nlines"')
    (found,) = mistakes(tmp_path, f"[accounts.voicenter]\n[lines.'+1 202 555 0100'.call]\n{option}\n")
    assert found.startswith('lines."+1 202 555 0100".call.')
    assert words in found


def test_a_service_without_such_options_says_so(tmp_path: Path) -> None:
    text = "[accounts.exolve.call]\nring_seconds = 20\n"
    (found,) = mistakes(tmp_path, text)
    assert found == (
        "accounts.exolve.call.ring_seconds: MTS Exolve has no such option of a call. "
        "Remove it; none can be set for all of its calls."
    )
    (found,) = mistakes(tmp_path, f"{GURULIZE}call = {{ language = 'de' }}\n")
    assert found == "accounts.gurulize.call.language: Gurulize has only these: en, tr. Choose one of them."


def test_a_line_with_options_says_where_it_lives(tmp_path: Path) -> None:
    accounts = f"{CALLGEAR}[accounts.voicenter]\n"
    line = "[lines.'+1 202 555 0100']\n"
    (found,) = mistakes(tmp_path, f"{accounts}{line}call = {{ confirm_key = '1' }}\n")
    assert found.startswith('[lines."+1 202 555 0100"] call: which options there are depends on the service.')
    assert found.endswith('Say where the line lives, like account = "callgear".')
    good(tmp_path, f"{accounts}{line}account = 'callgear'\ncall = {{ confirm_key = '1' }}\n")
    (found,) = mistakes(tmp_path, f"{accounts}{line}account = 'nobody'\ncall = {{ confirm_key = '1' }}\n")
    assert "there is no [accounts.nobody]" in found
    (found,) = mistakes(tmp_path, f"{accounts}{line}account = 'callgear'\ncall = 5\n")
    assert "must be a section" in found
    (found,) = mistakes(tmp_path, f"{accounts}{line}account = 'callgear'\ncall = 0\n")
    assert "must be a section" in found


def test_a_line_that_cannot_be_chosen_has_no_options(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, f"{GURULIZE}[lines.'+90 555 000 00 10']\ncall = {{ language = 'tr' }}\n")
    assert found.startswith('[lines."+90 555 000 00 10"] call: Gurulize shows no line that somebody has chosen')


def test_a_line_and_its_account_go_together(tmp_path: Path) -> None:
    """What is wrong with the account is said once, of the account."""
    line = "[lines.'+1 202 555 0100'.call]\n"
    good(tmp_path, f"{CALLGEAR}call = {{ talk_at_once = true }}\n{line}hear_dialling = true\n")
    text = f"{CALLGEAR}call = {{ dial_music = 'tune' }}\n{line}hear_dialling = true\n"
    assert [found.partition(":")[0] for found in mistakes(tmp_path, text)] == ["accounts.callgear.call.dial_music"]


# What an order gets

ORDER = CallOrder(call_id="call-1", rep=RepPhone("number", "+12025550190"), number=NUMBER)


def test_what_the_person_chose_is_kept() -> None:
    given = {"max_seconds": 600, "language": "en"}
    assert call_options.with_defaults(replace(ORDER, max_seconds=60), given, extension=False) == replace(
        ORDER, max_seconds=60, language="en"
    )
    assert call_options.with_defaults(ORDER, given, extension=False).max_seconds == 600
    assert call_options.with_defaults(ORDER, {}, extension=False) is ORDER


def test_what_is_for_extensions_is_for_extensions_only() -> None:
    given = {
        **{"auto_answer": True, "number_must_be_online": True, "rep_auto_answer": True, "rep_must_be_online": True},
        "voicemail": "900",
    }
    assert call_options.with_defaults(ORDER, given, extension=False) == ORDER
    assert call_options.with_defaults(ORDER, given, extension=True) == replace(
        ORDER, auto_answer=True, number_must_be_online=True
    )
    login = replace(ORDER, rep=RepPhone("login", "4711"))
    assert call_options.with_defaults(login, given, extension=False) == replace(
        login, rep_auto_answer=True, rep_must_be_online=True
    )
    phone = replace(ORDER, rep=RepPhone("extension", "AAPINFzL"))
    assert call_options.with_defaults(phone, given, extension=False) == replace(
        phone, rep_auto_answer=True, rep_must_be_online=True, voicemail="900"
    )


async def dial(desk: Office, key: str = "k1", **more: Any) -> CallOrder:
    """The order that reaches the phone service."""
    await desk.board.write(ledger.write_intent, key, "U1", "command", b"{}", desk.clock())
    before = len(desk.phone.orders)
    await dialing.dial(desk.board, key, Ask(**{"rep": "U1", "number": NUMBER, **more}))
    (order,) = desk.phone.orders[before:]
    return order


def everywhere(desk: Office, given: dict[str, Any], line: dict[str, Any] | None = None) -> None:
    """As if these were set for the account, and for its line: the paper phone has every option there is."""
    (account,), (own,) = desk.board.settings.accounts, desk.board.settings.lines
    object.__setattr__(account, "call", given)
    object.__setattr__(own, "call", line or {})


async def test_calls_have_the_options_of_account_and_line(desk: Office) -> None:
    await desk.link("U1", line="")
    everywhere(desk, {"ring_seconds": 25, "caller_name": "Office"}, {"caller_name": "Sales"})
    plain = await dial(desk)
    assert (plain.caller_id, plain.ring_seconds, plain.caller_name) == ("", 25, "Office")
    lined = await dial(desk, "k2", number=SECOND, line=LINE)
    assert (lined.caller_id, lined.ring_seconds, lined.caller_name) == (LINE, 25, "Sales")
    await desk.link("U1")
    usual = await dial(desk, "k3", number="+12025550125")
    assert (usual.caller_id, usual.caller_name) == (LINE, "Sales")


async def test_a_call_from_a_list_rings_as_long_as_the_policy_says(desk: Office) -> None:
    await desk.link("U1")
    everywhere(desk, {"ring_seconds": 10})
    assert (await dial(desk)).ring_seconds == 10
    assert (await dial(desk, "k2", number=SECOND, from_list=True)).ring_seconds == 15
    everywhere(desk, {"ring_seconds": 0})
    assert not (await dial(desk, "k3", number="+12025550125", from_list=True)).ring_seconds
    everywhere(desk, {"ring_seconds": 40})
    assert (await dial(desk, "k4", number="+12025550126", from_list=True)).ring_seconds == 40


async def test_an_own_extension_is_called_as_one(desk: Office) -> None:
    await desk.link("U1")
    everywhere(desk, {"number_must_be_online": True})
    assert not (await dial(desk)).number_must_be_online
    assert (await dial(desk, "k2", number="201", extension=True)).number_must_be_online


async def test_the_admins_limit_is_never_exceeded(desk: Office) -> None:
    await desk.link("U1")
    everywhere(desk, {"max_seconds": 1800})
    assert (await dial(desk)).max_seconds == 1800
    assert (await dial(desk, "k2", number=SECOND, max_seconds=600)).max_seconds == 600
    with pytest.raises(NotAllowed, match=r"last 30 minutes at most.*Nothing was dialled; write a shorter “max”"):
        await dial(desk, "k3", number="+12025550125", max_seconds=1801)
    everywhere(desk, {"max_seconds": 1800}, {"max_seconds": 3600})
    assert (await dial(desk, "k4", number="+12025550126", max_seconds=3600, line=LINE)).max_seconds == 3600
    assert len(desk.phone.orders) == 3


async def test_what_does_not_go_with_a_call_gives_way(desk: Office) -> None:
    """A default only: what the person chose stays, and the service says that it cannot combine it."""

    class Picky(PaperPhone):
        @override
        def clashing(self, order: CallOrder) -> frozenset[str]:
            return frozenset({"confirm_key", "scenario"}) if order.scenario else frozenset()

    await desk.link("U1")
    desk.board.providers = {"voicenter": (phone := Picky("voicenter", desk.clock))}
    everywhere(desk, {"confirm_key": "5", "hear_dialling": True})
    for key, wanted in (("k1", Ask(rep="U1", number=NUMBER, scenario="55")), ("k2", Ask(rep="U1", number=SECOND))):
        await desk.board.write(ledger.write_intent, key, "U1", "command", b"{}", desk.clock())
        await dialing.dial(desk.board, key, wanted)
    await phone.http.aclose()
    assert [(order.scenario, order.confirm_key, order.hear_dialling) for order in phone.orders] == [
        ("55", "", True),
        ("", "5", True),
    ]


RECORDED = '[recording]\ncountries = { US = "announce" }\nannouncement = "This call is recorded."\n'


async def test_an_announcement_is_never_lost(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + RECORDED) as desk:
        await desk.link("U1")
        everywhere(desk, {"customer_message": Speech(text="One moment."), "talk_at_once": True})
        order = await dial(desk, record=True)
        assert order.customer_message == Speech(text="This call is recorded. One moment.")
        assert not order.talk_at_once  # the talk would begin during the announcement
        order = await dial(desk, "k2", number=SECOND)
        assert (order.customer_message, order.talk_at_once) == (Speech(text="One moment."), True)


async def test_beside_a_stored_sound_the_caller_announces_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + RECORDED) as desk:
        await desk.link("U1")
        everywhere(desk, {"customer_message": Speech(media="101")})
        with pytest.raises(NeedsConsent, match="Will you tell them as the first thing you say"):
            await dial(desk, record=True)
        assert desk.phone.orders == []
        order = await dial(desk, "k2", record=True, consented=True)
        assert (order.record, order.customer_message) == (True, Speech(media="101"))


async def test_the_country_of_the_accounts_own_number_has_a_say_in_recording(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Rented(PaperPhone):
        @override
        def default_line(self) -> str:
            return "+447700900100"

    rules = '[recording]\ncountries = { US = "ask", GB = "off" }\n'
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + rules) as desk:
        await desk.link("U1", line="")
        with pytest.raises(NeedsConsent):
            await dial(desk, record=True)
        desk.board.providers = {"voicenter": (phone := Rented("voicenter", desk.clock))}
        with pytest.raises(NotAllowed, match="are not recorded here"):
            await dial(desk, "k2", record=True)
        await phone.http.aclose()


# From the settings to the phone service

ANSWERS = {
    "callgear": {"jsonrpc": "2.0", "id": 1, "result": {"data": {"call_session_id": 7}}},
    "voicenter": {"ERRORCODE": 0, "ERRORMESSAGE": "OK", "CALLID": "7"},
    "gurulize": {"success": True, "id": 7},
}


class Wire:
    """Every account of some settings, over a wire that keeps what is sent."""

    def __init__(self, desk: Office, folder: Path, text: str) -> None:
        self.sent: list[httpx.Request] = []
        self.desk = desk
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        desk.board.settings = good(folder, f'{text}[policy]\ncountries = ["US", "TR"]\nhours = ["00:00", "24:00"]\n'
                                   'weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\n')  # fmt: skip
        desk.board.providers = assembly.providers(desk.board.settings, self.http)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, json=ANSWERS[next(iter(self.desk.board.providers))])

    async def call(self, line: str) -> str:
        """The body of the one order that it makes."""
        before = len(self.sent)
        told = await self.desk.type(line)
        assert len(self.sent) == before + 1, told
        return self.sent[-1].content.decode()


async def test_callgear_is_told(desk: Office, tmp_path: Path) -> None:
    await desk.link("U1")
    wire = Wire(
        desk,
        tmp_path,
        f"{CALLGEAR}[accounts.callgear.call]\nconfirm_key = '5'\ncustomer_message = 'One moment.'\n"
        "rep_message = { media = '102' }\ncaller_id_rule = 'random'\ndial_music = '101'\nhide_line_from_rep = true\n"
        "talk_at_once = true\n[lines.'+12025550101'.call]\ntalk_at_once = false\nhear_dialling = true\n",
    )
    told = json.loads(await wire.call("/call +1 202 555 0123 ext 42"))
    assert told["method"] == "start.simple_call"
    assert told["params"]["dtmf_string"] == "..42"
    params = told["params"]
    assert (params["first_call"], params["operator_confirmation"], params["media_file_id"]) == ("operator", "5", 101)
    assert (params["virtual_phone_usage_rule"], params["show_virtual_phone_number"]) == ("random", False)
    assert params["contact_message"] == {"type": "tts", "value": "One moment."}
    assert params["operator_message"] == {"type": "media", "value": "102"}
    assert params["switch_at_once"] is True
    params = json.loads(await wire.call("/call +1 202 555 0124 from +1 202 555 0101"))["params"]
    assert params["early_switching"] is True
    assert "switch_at_once" not in params
    await wire.http.aclose()


OWN_LINE = "[lines.'+12025550100']\naccount = 'callgear'\nchannel = 'C2'\ncall = { hear_dialling = true }\n"


async def test_a_call_on_the_accounts_own_number_is_a_call_of_that_line(desk: Office, tmp_path: Path) -> None:
    await desk.link("U1", line="")
    wire = Wire(desk, tmp_path, CALLGEAR + OWN_LINE)
    params = json.loads(await wire.call("/call +1 202 555 0123"))["params"]
    assert (params["virtual_phone_number"], params["early_switching"]) == ("12025550100", True)
    (call,) = await desk.calls()
    assert (call.line, ByLine(desk.board.settings).place(call)) == ("+12025550100", "C2")
    await wire.http.aclose()


@pytest.mark.parametrize(
    "text",
    [
        f"{CALLGEAR}call = {{ caller_id_rule = 'random' }}\n{OWN_LINE}",  # the service shows whichever it likes
        CALLGEAR.replace("+1202", "202") + OWN_LINE,  # it may mean another number by that
        f"{CALLGEAR}[accounts.exolve]\n[lines.'+12025550100']\naccount = 'exolve'\n",
    ],
    ids=["a rule picks", "not international", "another account's"],
)
async def test_a_number_that_may_not_be_that_line_is_not_taken_for_it(desk: Office, tmp_path: Path, text: str) -> None:
    await desk.link("U1", line="")
    wire = Wire(desk, tmp_path, text)
    params = json.loads(await wire.call("/call +1 202 555 0123"))["params"]
    assert params["virtual_phone_number"].endswith("2025550100")
    assert "early_switching" not in params
    assert [call.line for call in await desk.calls()] == [""]
    await wire.http.aclose()


async def test_callgear_leaves_out_what_a_scenario_or_an_employee_does_not_have(desk: Office, tmp_path: Path) -> None:
    await desk.link("U1")
    wire = Wire(desk, tmp_path, f"{CALLGEAR}call = {{ confirm_key = '5', hear_dialling = true, dial_music = '101' }}\n")
    told = json.loads(await wire.call("/call +1 202 555 0123 scenario 55"))
    assert told["method"] == "start.scenario_call"
    assert told["params"]["early_switching"] is True
    assert not {"operator_confirmation", "media_file_id"} & told["params"].keys()
    await desk.link("U1", "7", phone_kind="employee")
    told = json.loads(await wire.call("/call +1 202 555 0124"))
    assert told["method"] == "start.employee_call"
    assert told["params"]["media_file_id"] == 101
    assert "operator_confirmation" not in told["params"]
    await wire.http.aclose()


async def test_voicenter_is_told(desk: Office, tmp_path: Path) -> None:
    await desk.link("U1", "AAPINFzL", phone_kind="extension", extension="AAPINFzL")
    wire = Wire(
        desk,
        tmp_path,
        "[accounts.voicenter.call]\ncaller_name = 'Green Gardens'\nrep_caller_id = '+12025550199'\n"
        "rep_caller_name = 'Callboard'\nmax_seconds = 1800\nrep_ring_seconds = 20\nring_seconds = 25\n"
        "rep_auto_answer = true\nauto_answer = true\nrep_must_be_online = true\nnumber_must_be_online = true\n"
        "language = 'he'\nvoicemail = '900'\nvariables = { team = 'north' }\n",
    )
    told = {name: value for name, (value,) in parse_qs(await wire.call("/call +1 202 555 0123")).items()}
    assert (
        told.items()
        >= {
            "targetcallername": "Green Gardens",
            "phonecallerid": "12025550199",
            "phonecallername": "Callboard",
            "maxduration": "1800",
            "phonemaxdialtime": "20",
            "targetmaxdialtime": "25",
            "phoneautoanswer": "true",
            "checkphonedevicestate": "true",
            "language": "he",
            "vm_id": "900",
            "var_team": "north",
        }.items()
    )
    assert not {"targetautoanswer", "checktargetdevicestate"} & told.keys()
    told = {name: value for name, (value,) in parse_qs(await wire.call("/call 201")).items()}
    assert (told["targetautoanswer"], told["checktargetdevicestate"]) == ("true", "true")
    await wire.http.aclose()


async def test_gurulize_is_told(desk: Office, tmp_path: Path) -> None:
    await desk.link("U1", "+905550000001")
    wire = Wire(desk, tmp_path, f"{GURULIZE}call = {{ language = 'tr', max_seconds = 1800 }}\n")
    told = parse_qs(await wire.call("/call +90 555 000 00 02"))
    assert (told["lang"], told["duration"]) == (["tr"], ["1800"])
    told = parse_qs(await wire.call("/call +90 555 000 00 03 max 10m"))
    assert told["duration"] == ["600"]
    await wire.http.aclose()
