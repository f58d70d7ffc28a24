"""Settings: the good ones are read as meant; every mistake becomes a sentence that names the setting."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import Account, Line, Settings
from bot.settings_reader import examine, load

ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-secret-bot",
    "SLACK_APP_TOKEN": "xapp-secret-app",
    "CALLBOARD_HOOK_SECRET": "secret-hook-0123456789",
    "VOICENTER_CODE": "secret-code",
}
MINIMAL = "[accounts.voicenter]\n"
FULL = """
region = "GB"
time_zone = "Europe/London"
channel = "C1"
admins = ["U1"]
managers = ["U2", "W3"]
dispositions = ["Sold", "Not sold"]
contact_url = "https://crm.example/{number}"
mask_numbers = true
summaries = false

[accounts.sales]
provider = "voicenter"
monitor_url = "https://monitor.example"
addresses = ["203.0.113.7", "198.51.100.0/24"]

[accounts.support]
provider = "voicenter"

[lines."020 7946 0000"]
label = "Sales"
account = "sales"
channel = "C2"
mask = true
missed = false

[policy]
countries = ["gb", "IE"]
hours = ["08:30", "00:00"]
weekdays = ["mon", "sat"]
daily_calls = 12
night_calls = 7
night_calls_at_once = 0
callers = ["U1"]
guests = ["W7"]

[missed]
escalate_minutes = 5
brief_seconds = 4
claim_minutes = 90

[digest]
picture = false

[commands]
prefix = "acme-"
phone = "/telephone"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "callboard.toml"
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path, text: str = MINIMAL, **environment: str) -> Settings:
    return load(ENVIRONMENT | environment, write(folder, text))


def errors(folder: Path, text: str = MINIMAL, environment: Mapping[str, str] = ENVIRONMENT) -> list[str]:
    settings, found = examine(environment, write(folder, text))
    assert (settings is None) == bool(found)
    return found


def test_the_least_that_starts(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.region, settings.zone, settings.mode) == ("US", "UTC", "socket")
    assert [account.name for account in settings.accounts] == ["voicenter"]
    assert settings.accounts[0].values["code"] == "secret-code"
    assert settings.accounts[0].values["reply_format"] == "JSON"
    assert settings.policy.countries == ("US",)
    assert settings.digest_picture
    assert settings.commands == {
        name: f"/{name}"
        for name in (
            *("call", "calls", "missed", "recording", "campaign", "voicemsg", "phone", "contacts", "digest"),
            "callboard",
        )
    }
    assert settings.hook_url("voicenter", "cdr") == ("http://127.0.0.1:8080/hooks/voicenter/secret-hook-0123456789/cdr")


def test_everything_set(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        FULL,
        SALES_CODE="one",
        SUPPORT_CODE="two",
        CALLBOARD_PUBLIC_URL="https://callboard.example.com/",
        CALLBOARD_PORT="0",
    )
    assert (settings.region, settings.zone, settings.channel, settings.port) == ("GB", "Europe/London", "C1", 0)
    assert (settings.mask, settings.summaries) == (True, False)
    assert (settings.escalate_minutes, settings.brief_seconds, settings.claim_minutes) == (5, 4, 90)
    assert not settings.digest_picture
    assert settings.dispositions == ("Sold", "Not sold", "Asked not to be called again")
    assert settings.stop_disposition == "Asked not to be called again"
    assert settings.accounts[0].addresses == ("203.0.113.7", "198.51.100.0/24")
    line = Line(number="+442079460000", label="Sales", account="sales", channel="C2", mask=True, missed=False)
    assert settings.lines == (line,)
    assert settings.policy.countries == ("GB", "IE")
    assert (settings.policy.hours, settings.policy.weekdays) == (("08:30", "00:00"), (0, 5))
    assert (settings.policy.daily_calls, settings.policy.callers) == (12, ("U1",))
    assert settings.policy.guests == ("W7",)
    assert (settings.policy.night_calls, settings.policy.night_calls_at_once) == (7, 0)
    assert [settings.role(user) for user in ("U1", "U2", "W3", "U4")] == ["admin", "manager", "manager", "rep"]
    assert settings.line("+442079460000") == settings.lines[0]
    assert settings.line("+442079460001") is None
    assert settings.hook_url("sales").startswith("https://callboard.example.com/hooks/sales/")


@pytest.mark.parametrize(
    ("zone", "caps"), [("", (0, 0)), ("UTC", (0, 0)), ("America/Los_Angeles", (20, 4)), ("Europe/London", (20, 4))]
)
def test_where_nobody_has_said_where_the_office_is_it_has_no_night(
    zone: str, caps: tuple[int, int], tmp_path: Path
) -> None:
    """By the clock of UTC an afternoon in California is the night."""
    office = f'time_zone = "{zone}"\n{MINIMAL}' if zone else MINIMAL
    policy = read(tmp_path, office).policy
    assert (policy.night_calls, policy.night_calls_at_once) == caps
    assert (policy.daily_calls, policy.calls_at_once) == (200, 12)
    policy = read(tmp_path, f"{office}[policy]\nnight_calls = 7\nnight_calls_at_once = 2\n").policy
    assert (policy.night_calls, policy.night_calls_at_once) == (7, 2)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("192.0.2.7", "http://192.0.2.7:8080"),
        ("::", "http://[::1]:8080"),
        ("2001:db8::7", "http://[2001:db8::7]:8080"),
        ("[2001:db8::7]", "http://[2001:db8::7]:8080"),
    ],
)
def test_without_a_public_address_there_is_this_computers(tmp_path: Path, host: str, address: str) -> None:
    settings = read(tmp_path, **({"CALLBOARD_HOST": host} if host else {}))
    assert settings.base_url == address
    assert settings.hook_url("voicenter") == f"{address}/hooks/voicenter/secret-hook-0123456789"
    assert "[" not in settings.host


@pytest.mark.parametrize(
    "url", ["https://2001:db8::1", "https://2001:db8::1:8443/x", "https://[2001:db8::1", "https://a:b"]
)
def test_an_ipv6_address_goes_in_brackets(tmp_path: Path, url: str) -> None:
    text = f'lookup_url = "{url}/{{number}}"\n{MINIMAL}monitor_url = "{url}"\n'
    found = errors(tmp_path, text, ENVIRONMENT | {"CALLBOARD_PUBLIC_URL": url})
    words = "is not an address. Its port is a number, and an IPv6 address goes in brackets, like https://[2001:db8::1]:8443."
    assert found == [f"{name} {words}" for name in ("VOICENTER_MONITOR_URL", "CALLBOARD_PUBLIC_URL", "lookup_url")]


def test_an_ipv6_address_in_brackets_is_one(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        'lookup_url = "http://[::1]:9/{number}"\n' + MINIMAL,
        CALLBOARD_PUBLIC_URL="https://[2001:db8::1]:8443/",
    )
    assert settings.hook_url("voicenter").startswith("https://[2001:db8::1]:8443/hooks/")
    assert settings.lookup_url == "http://[::1]:9/{number}"


def test_the_end_of_a_day_is_24_hours(tmp_path: Path) -> None:
    settings, found = examine(ENVIRONMENT, write(tmp_path, '[policy]\nhours = ["00:00", "24:00"]\n' + MINIMAL))
    assert found == []
    assert settings is not None
    assert settings.policy.hours == ("00:00", "00:00")


def test_two_accounts_of_one_provider_have_their_own_settings(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL, SALES_CODE="one", SUPPORT_CODE="two")
    sales, support = settings.accounts
    assert (sales.provider, support.provider) == ("voicenter", "voicenter")
    assert (sales.values["code"], support.values["code"]) == ("one", "two")
    assert sales.values["monitor_url"] == "https://monitor.example"
    assert support.values["monitor_url"] == "https://monitor.voicenter.co.il"


def test_the_same_account_twice_would_show_every_call_twice(tmp_path: Path) -> None:
    """Its active calls, and its call log, would be told under each name."""
    text = '[accounts.voicenter]\n[accounts.branch]\nprovider = "voicenter"\n'
    (found,) = errors(tmp_path, text, ENVIRONMENT | {"BRANCH_CODE": ENVIRONMENT["VOICENTER_CODE"]})
    assert found == (
        "[accounts.branch] is the same account at Voicenter as [accounts.voicenter], so each call would be shown "
        "twice. Remove one, or give it the values of another account: BRANCH_CODE."
    )
    assert not errors(tmp_path, text, ENVIRONMENT | {"BRANCH_CODE": "another"})
    # One key for two numbers of one's own is fine where the service tells each account of its own messages only.
    text = '[accounts.exolve]\n[accounts.branch]\nprovider = "exolve"\nsource = "+79990000090"\n'
    assert not errors(tmp_path, text, ENVIRONMENT | {"EXOLVE_API_KEY": "one", "BRANCH_API_KEY": "one"})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    text = '[accounts.voicenter]\nmonitor_url = "https://file.example"\n'
    assert read(tmp_path, text).accounts[0].values["monitor_url"] == "https://file.example"
    found = read(tmp_path, text, VOICENTER_MONITOR_URL="https://environment.example")
    assert found.accounts[0].values["monitor_url"] == "https://environment.example"


def test_commands_are_renamed_by_prefix_and_one_by_one(tmp_path: Path) -> None:
    assert read(tmp_path, FULL, SALES_CODE="one", SUPPORT_CODE="two").commands == {
        "call": "/acme-call",
        "calls": "/acme-calls",
        "missed": "/acme-missed",
        "campaign": "/acme-campaign",
        "recording": "/acme-recording",
        "voicemsg": "/acme-voicemsg",
        "phone": "/telephone",
        "contacts": "/acme-contacts",
        "digest": "/acme-digest",
        "callboard": "/acme-callboard",
    }


def test_a_prefix_with_a_slash_is_one_mistake(tmp_path: Path) -> None:
    (found,) = errors(tmp_path, f'{MINIMAL}[commands]\nprefix = "/acme-"')
    assert found == 'commands.prefix = “/acme-” must be small letters, digits, - and _, without a slash, like "acme-".'


def test_http_mode_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    given = {name: value for name, value in ENVIRONMENT.items() if name != "SLACK_APP_TOKEN"}
    given |= {
        "CALLBOARD_SLACK_MODE": "http",
        "SLACK_SIGNING_SECRET": "secret-signing",
        "CALLBOARD_PUBLIC_URL": "https://callboard.example.com",
    }
    settings = load(given, write(tmp_path, MINIMAL))
    assert (settings.mode, settings.app_token, settings.signing_secret) == ("http", "", "secret-signing")


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    settings = read(tmp_path, SLACK_SIGNING_SECRET="secret-signing")
    assert {"secret-code"} <= set(settings.accounts[0].values.values())
    assert "secret" not in repr(settings).replace("hook_secret", "")
    assert "secret" not in repr(Account("voicenter", "voicenter", {"code": "secret-code"}))


def test_a_line_has_the_pace_and_the_quiet_hours_of_all_unless_it_says_otherwise(tmp_path: Path) -> None:
    lines = '[lines."+12025550100"]\n[lines."+12025550101"]\nroundup = ""\nquiet = []\n'
    lines += '[lines."+12025550102"]\nroundup = "daily"\nquiet = ["21:30", "24:00"]'
    settings = read(tmp_path, f'roundup = "hourly"\nquiet = ["20:00", "08:00"]\n{MINIMAL}\n{lines}')
    assert (settings.roundup, settings.quiet) == ("hourly", ("20:00", "08:00"))
    assert [(line.roundup, line.quiet) for line in settings.lines] == [
        ("hourly", ("20:00", "08:00")),
        ("", ()),
        ("daily", ("21:30", "00:00")),
    ]


def test_a_channel_that_would_always_be_quiet_is_a_mistake(tmp_path: Path) -> None:
    two = '[lines."+12025550100"]\nquiet = ["08:00", "20:00"]\n[lines."+12025550101"]\nquiet = ["20:00", "08:00"]'
    (told,) = errors(tmp_path, f'channel = "C1"\n{MINIMAL}\n{two}')
    assert told.startswith("The quiet hours of all lines of channel C1 together fill the whole day")
    assert errors(tmp_path, f'channel = "C1"\n{MINIMAL}\n{two}\nchannel = "C2"') == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('region = "XX"', "region"),
        ('time_zone = "Mars/Olympus"', "time_zone"),
        ('channel = "calls"', "channel"),
        ('admins = ["ada"]', "admins"),
        ('admins = [""]', "admins has an empty id."),
        ('managers = "U2"', "managers"),
        ('mask_numbers = "yes"', "mask_numbers"),
        ("summaries = 1", "summaries"),
        ("dispositions = [1]", "dispositions"),
        ("contact_url = 5", "contact_url"),
        ('lookup_url = "http://crm.example/{number}"', "lookup_url"),
        ('lookup_url = "https://crm.example/"', "lookup_url"),
        ("lines = 5", "lines"),
        ("channel = 5", 'channel must be a text in quotes, like channel = "…".'),
        (
            "[accounts.gurulize]\nusername = 'u'",
            "GURULIZE_URL is not set: the address for call requests that Gurulize gave you; it is not published. "
            "Set it in the environment, or url in [accounts.gurulize].",
        ),
        ('colour = "blue"', "colour"),
        ("[missed]\nescalate_minutes = -1", "missed.escalate_minutes"),
        ("[missed]\nescalate_minutes = true", "missed.escalate_minutes"),
        ("[missed]\nbrief_seconds = 2.5", "missed.brief_seconds must be a whole number, 0 or more."),
        ("[missed]\nbrief_seconds = -1", "missed.brief_seconds"),
        ("[missed]\nclaim_minutes = -1", "missed.claim_minutes"),
        ('roundup = "weekly"', 'roundup must be "hourly" or "daily", or "" where each call has its own message.'),
        ("roundup = true", "roundup"),
        ('[lines."+12025550100"]\nroundup = 1', 'lines."+12025550100".roundup must be "hourly" or "daily"'),
        ("quiet = 5", 'quiet must be two times, like ["20:00", "08:00"], or [] for none.'),
        ('quiet = ["20:00"]', "quiet must be two times"),
        ("quiet = [20, 8]", "quiet must be two times"),
        ('quiet = ["8 pm", "8 am"]', "quiet must be two times"),
        ('quiet = ["24:00", "08:00"]', "quiet must be two times"),
        ('quiet = ["20:00", "20:00"]', "quiet: they begin and end at the same time"),
        ('quiet = ["00:00", "24:00"]', "quiet: they begin and end at the same time"),
        ('[lines."+12025550100"]\nquiet = "night"', 'lines."+12025550100".quiet must be two times'),
        ('[lines."+12025550100"]\nmissed = "no"', 'lines."+12025550100".missed must be true or false.'),
        ("[missed]\nminutes = 5", "[missed]"),
        ('[digest]\npicture = "no"', "digest.picture"),
        ("[digest]\npictures = true", "[digest]"),
        ("[policy]\ndaily_calls = 1.5", "policy.daily_calls"),
        ('[messages]\nstop_words = "stop"', "messages.stop_words must be a list of texts"),
        ('[messages]\nstop_words = ["!"]', "messages.stop_words must be words that somebody may say"),
        ("stop_disposition = false", "stop_disposition must be a text in quotes"),
        ("[policy]\nring_at_least = 121", "policy.ring_at_least must be 120 seconds or fewer, or 0 for no such rule."),
        ('[policy]\nring_at_least = "15"', "policy.ring_at_least must be a whole number, 0 or more."),
        (
            "[accounts.voicenter.message]\nring_seconds = 14",
            "accounts.voicenter.message.ring_seconds: 14 seconds are fewer than the 15 of policy.ring_at_least. Write",
        ),
        ("[policy]\nnight_calls = -1", "policy.night_calls must be a whole number, 0 or more."),
        ('[policy]\nnight_calls_at_once = "few"', "policy.night_calls_at_once"),
        ('[policy]\ncountries = ["XX"]', "policy.countries"),
        ('[policy]\ncountries = "US"', 'policy.countries must be a list of texts, like countries = ["…"].'),
        ('[policy]\nhours = ["9", "18"]', "policy.hours"),
        ('[policy]\nhours = ["09:00"]', "policy.hours"),
        ('[policy]\nhours = ["18:00", "09:00"]', "policy.hours"),
        ('[policy]\nhours = ["09:00", "09:00"]', "policy.hours"),
        ('[policy]\nhours = ["24:00", "09:00"]', "policy.hours"),
        ('[policy]\nhours = ["09:00", "24:30"]', "policy.hours"),
        ('[policy]\nweekdays = ["monday"]', "policy.weekdays"),
        ("[policy]\nweekdays = []", "policy.weekdays"),
        ('[policy]\nask_first = ["dear"]', "policy.ask_first"),
        ('[policy]\ncallers = ["ada"]', "policy.callers"),
        ('[policy]\nguests = ["ada"]', "policy.guests"),
        ("[policy]\ncap = 5", "[policy]"),
        ('[lines."12"]', "lines"),
        ('[lines."+1 202 555 0100"]\ncolour = "blue"', '[lines."+1 202 555 0100"] has an unknown setting “colour”.'),
        ('[lines]\n"+12025550100" = "Sales"', 'lines."+12025550100" must be a section, [lines."+12025550100"].'),
        ('[lines."+1 202 555 0100"]\naccount = "nobody"', '[lines."+1 202 555 0100"]'),
        ('[lines."+1 202 555 0100"]\nchannel = "calls"', 'lines."+1 202 555 0100".channel'),
        ('[lines."+1 202 555 0100"]\nchannel = 5', 'lines."+1 202 555 0100".channel'),
        ('[lines."+1 202 555 0100"]\nlabel = 5', 'lines."+1 202 555 0100".label'),
        ('[lines."+1 202 555 0100"]\nsummary = "no"', 'lines."+1 202 555 0100".summary'),
        ('[lines."+1 202 555 0100"]\n[lines."+12025550100"]', '[lines."+12025550100"]'),
        (2 * '[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "hang_up"\n', "[[flow]]"),
        ('[commands]\ncall = "call"', "commands.call"),
        ('[commands]\nprefix = "Acme "', "commands.prefix"),
        ("[commands]\nprefix = 5", "commands.prefix"),
        ("[commands]\ncall = 5", "commands.call must be a text in quotes"),
        ('contact_url = "crm"', "contact_url must begin with https:// or http://"),
        ('contact_url = "https://crm.example/callers"', "contact_url must have {number} where the number goes."),
        ('contact_url = "https://[::1/{number}"', "contact_url is not an address."),
        ('[recording]\ncountries = { UK = "ask" }', "recording.countries: “UK” is not a country code. Write “GB” for"),
        ('[commands]\nring = "/ring"', "[commands]"),
        ('[commands]\ncall = "/phone"', "commands.phone"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    found = errors(tmp_path, f"{text}\n{MINIMAL}")
    assert found
    assert named in found[0]
    assert found[0].endswith((".", '"', "]"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("+19005550123", "is a premium-rate number"),
        ("+88216123456", "belongs to no country"),
        ("+44116123", "is a short number"),
        ("+972100", "is an emergency number"),
        ("+120255501", "is not a possible phone number"),
        ("911", "is an emergency number"),
        ("112", "is an emergency number"),
        ("19005550123", "is a premium-rate number"),  # as the phone service may read it
        ("900 555 0123", "is a premium-rate number"),
    ],
)
def test_a_flow_dials_nothing_that_is_never_dialled(tmp_path: Path, target: str, words: str) -> None:
    step = '[[flow]]\nstart = "ada"\n[flow.steps.ada]\ndo = "dial"\ntargets = ["201", "{}"]\n'
    (error,) = errors(tmp_path, f"{MINIMAL}\n{step.format(target)}")
    assert error.startswith(f"[[flow]]: its step “ada” would dial {target}, and that is never done: ")
    assert words in error
    assert error.endswith(" Write another target.")
    for other in ("+905550000001", "201", "2025550123", "BBPINFzM", "9005550"):
        assert errors(tmp_path, f"{MINIMAL}\n{step.format(other)}") == [], "where to is for whoever writes it"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "[accounts.voicenter]"),
        ("[accounts.Sales]\nprovider = 'voicenter'", "[accounts.Sales]"),
        ("[accounts.sales]\nprovider = 'carrier-pigeon'", "[accounts.sales]"),
        ("[accounts.sales]\nprovider = 'voicenter'", "SALES_CODE"),
        ("[accounts.voicenter]\ncode = 'in the file'", "VOICENTER_CODE"),
        ("[accounts.voicenter]\ncolour = 'blue'", "[accounts.voicenter]"),
        ("[accounts.voicenter]\naddresses = '203.0.113.7'", "accounts.voicenter.addresses"),
        ("[accounts.voicenter]\naddresses = ['203.0.113.0/33']", "accounts.voicenter.addresses"),
        ("[accounts.voicenter]\naddresses = ['voicenter.example']", "accounts.voicenter.addresses"),
        ("[accounts.voicenter]\nmonitor_url = 'monitor.example'", "VOICENTER_MONITOR_URL"),
        ("[accounts.voicenter]\nmonitor_url = ['https://monitor.example']", "VOICENTER_MONITOR_URL"),
        (
            "[accounts.voicenter]\nstatus_names = { 3 = 'Coffee' }",
            "status_names of [accounts.voicenter] must be a text",
        ),
        ("[accounts.voicenter]\nstatus_names = true", "status_names of [accounts.voicenter] must be a text"),
    ],
)
def test_a_mistake_in_an_account_is_named(tmp_path: Path, text: str, named: str) -> None:
    found = errors(tmp_path, text)
    assert found
    assert named in found[0]
    assert "in the file" not in "".join(found), "the secret itself is shown"
    assert not found[0].isupper()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLACK_BOT_TOKEN", ""),
        ("SLACK_BOT_TOKEN", "xoxp-secret"),
        ("SLACK_APP_TOKEN", ""),
        ("CALLBOARD_HOOK_SECRET", ""),
        ("CALLBOARD_HOOK_SECRET", "secret"),
        ("CALLBOARD_OLD_HOOK_SECRET", "secret"),
        ("CALLBOARD_HOOK_SECRET", "secret secret secret/secret"),
        ("CALLBOARD_SLACK_MODE", "carrier-pigeon"),
        ("CALLBOARD_PORT", "70000"),
        ("CALLBOARD_PORT", "http"),
        ("CALLBOARD_PORT", "²"),
        ("CALLBOARD_PUBLIC_URL", "callboard.example.com"),
        ("CALLBOARD_PUBLIC_URL", "https://callboard.example.com/?from=slack"),
        ("CALLBOARD_PUBLIC_URL", "https://ada:secret-word@callboard.example.com"),
        ("CALLBOARD_PUBLIC_URL", "https://callboard example.com"),
        ("VOICENTER_CODE", ""),
    ],
)
def test_a_mistake_in_the_environment_is_named(tmp_path: Path, variable: str, value: str) -> None:
    found = errors(tmp_path, environment=ENVIRONMENT | {variable: value})
    assert len(found) == 1
    assert variable in found[0]
    assert "secret-" not in found[0]


def test_the_secret_before_is_another_one(tmp_path: Path) -> None:
    """Else every address would be told to be an old one, for ever."""
    same = ENVIRONMENT | {"CALLBOARD_OLD_HOOK_SECRET": ENVIRONMENT["CALLBOARD_HOOK_SECRET"]}
    (found,) = errors(tmp_path, environment=same)
    assert found.startswith("CALLBOARD_OLD_HOOK_SECRET is the same as CALLBOARD_HOOK_SECRET.")
    assert ENVIRONMENT["CALLBOARD_HOOK_SECRET"] not in found
    other = ENVIRONMENT | {"CALLBOARD_OLD_HOOK_SECRET": "the-secret-of-before"}
    settings = load(other, write(tmp_path, MINIMAL))
    assert settings.old_hook_secret == "the-secret-of-before"
    assert "the-secret-of-before" not in repr(settings)


def test_white_space_around_a_variable_does_not_count(tmp_path: Path) -> None:
    given = {name: f" {value}\r" for name, value in (ENVIRONMENT | {"CALLBOARD_PORT": "8081"}).items()}
    settings = load(given, write(tmp_path, MINIMAL))
    assert (settings.bot_token, settings.hook_secret) == (ENVIRONMENT["SLACK_BOT_TOKEN"], "secret-hook-0123456789")
    assert (settings.accounts[0].values["code"], settings.port) == ("secret-code", 8081)
    assert "VOICENTER_CODE" in errors(tmp_path, environment=ENVIRONMENT | {"VOICENTER_CODE": " "})[0]


def test_a_variable_that_is_empty_is_not_set(tmp_path: Path) -> None:
    names = ("CALLBOARD_HOST", "CALLBOARD_PORT", "CALLBOARD_DATA", "CALLBOARD_SLACK_MODE", "SLACK_API_URL")
    given = load(ENVIRONMENT | dict.fromkeys(names, " "), write(tmp_path, MINIMAL))
    assert given == load(ENVIRONMENT, tmp_path / "callboard.toml")
    assert (given.host, given.data) == ("127.0.0.1", Path("callboard-data")), "not every address, not this folder"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(ENVIRONMENT | {"CALLBOARD_PORT": "8081", "CALLBOARD_HOST": "0.0.0.0", "CALLBOARD_DATA": "/var/x"}).items(),
        ("CALLBOARD_PUBLIC_URL", "https://callboard.example.com"),
        ("CALLBOARD_SLACK_MODE", "socket"),
        ("CALLBOARD_LOOKUP_TOKEN", "lookup"),
        ("VOICENTER_LOG_URL", "https://log.example"),
    ],
)
@pytest.mark.parametrize("form", ['"{}"', "'{}'"])
def test_quotes_around_a_variable_are_told_from_a_wrong_one(tmp_path: Path, name: str, value: str, form: str) -> None:
    """As from a file of variables whose reader takes them for a part of the value."""
    (found,) = errors(tmp_path, environment=ENVIRONMENT | {name: form.format(value)})
    assert found == f"{name} has quotes around it, which would count as part of it. Take them away."


@pytest.mark.parametrize("more", [" # of the app", "\nfoo", "é", "\u200b"])
@pytest.mark.parametrize("name", [*ENVIRONMENT, "CALLBOARD_LOOKUP_TOKEN"])
def test_what_was_copied_with_a_secret_is_told(tmp_path: Path, name: str, more: str) -> None:
    """Slack would only say that the token is wrong, and in a header of HTTP some cannot stand at all."""
    (found,) = errors(tmp_path, environment=ENVIRONMENT | {name: ENVIRONMENT.get(name, "lookup") + more})
    assert found == (
        f"{name} has a blank or a sign in it that none has. Copy it again; a comment goes on a line of its own."
    )


@pytest.mark.parametrize(
    ("name", "wrong"), [("SLACK_BOT_TOKEN", "SLACK_BOT_TOKN"), ("VOICENTER_CODE", "VOICENTER_COED")]
)
def test_a_variable_that_is_there_under_a_name_misspelt_is_told(tmp_path: Path, name: str, wrong: str) -> None:
    environment = {wrong if key == name else key: value for key, value in ENVIRONMENT.items()}
    (found,) = errors(tmp_path, environment=environment)
    assert found == f"{name} is not set, but {wrong} is: rename it if it is meant."


def test_a_variable_with_a_name_of_its_own_is_no_misspelt_one(tmp_path: Path) -> None:
    (found,) = errors(tmp_path, "[accounts.enablex]\n", ENVIRONMENT | {"ENABLEX_APP_KEY": "key"})
    assert found.startswith("ENABLEX_APP_ID is not set: ")


def test_the_mark_that_a_windows_editor_puts_before_the_first_variable_is_no_part_of_its_name(tmp_path: Path) -> None:
    environment = {f"\ufeff{key}" if key == "SLACK_BOT_TOKEN" else key: value for key, value in ENVIRONMENT.items()}
    assert errors(tmp_path, environment=environment) == []


def test_the_data_folder_may_be_in_ones_home(tmp_path: Path) -> None:
    """No shell reads a file of variables, so the sign would be a folder's name."""
    assert read(tmp_path, CALLBOARD_DATA="~/callboard").data == Path.home() / "callboard"


@pytest.mark.parametrize("end", ["/slack/events", "/hooks", "/hooks/voicenter/", "/healthz/live"])
def test_what_is_added_to_the_public_address_does_not_stand_there_already(tmp_path: Path, end: str) -> None:
    (found,) = errors(tmp_path, environment=ENVIRONMENT | {"CALLBOARD_PUBLIC_URL": f"https://x.example/calls{end}"})
    told = end.rstrip("/")
    assert found == f"CALLBOARD_PUBLIC_URL ends with {told}, which Callboard adds by itself. Take that away."


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "VOICENTER_CODE"])
def test_what_stands_for_a_secret_in_the_documents_is_none(tmp_path: Path, name: str) -> None:
    (found,) = errors(tmp_path, environment=ENVIRONMENT | {name: f"{ENVIRONMENT[name][:5]}…"})
    assert found == f"{name} has “…” in it, which stands for the rest in the documents. Put the whole value there."


def test_all_mistakes_of_a_line_are_named_at_once(tmp_path: Path) -> None:
    section = '[lines."+12025550100"]\nlabel = 5\nmask = "no"\ncolour = "blue"\naccount = "nobody"\nchannel = "sales"'
    found = "".join(errors(tmp_path, f"{MINIMAL}\n{section}"))
    for named in (".label must be", ".mask must be", "“colour”", "[accounts.nobody]", "“sales” is not a Slack id"):
        assert named in found


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("region = “US”", "Write straight quotes."),
        ("summaries = False", "Write it small, true or false."),
        ("region = US", 'A text goes in quotes, like name = "…".'),
        ("channel =", 'A text goes in quotes, like name = "…".'),
        ('region = "US', "A quote is missing at its end."),
        ("admins = ['U1]", "A quote or a bracket is not closed."),
        ("[lines.+12025550100]", 'A number goes in quotes, like [lines."+12025550100"].'),
        ('region = "US"\nregion = "US"', "It stands there twice: keep one."),
        ("[policy]\n[policy]", "It stands there twice: keep one."),
        ("admins = [", "Mend that line, then start again."),
    ],
)
def test_what_is_wrong_with_the_toml_is_said(tmp_path: Path, line: str, hint: str) -> None:
    """Its reader speaks to programmers."""
    (found,) = errors(tmp_path, f"\n{line}\n{MINIMAL}")
    where = "at line 3, column " if "\n" in line or line == "admins = [" else "at line 2, column "
    assert found.startswith("callboard.toml cannot be read as TOML: ")
    assert ("at end of document" if "closed" in hint else where) in found
    assert found.endswith(f"). {hint}")


@pytest.mark.parametrize("coding", ["cp1252", "utf-16"])
def test_a_file_that_is_not_saved_as_utf8_is_said(tmp_path: Path, coding: str) -> None:
    file = tmp_path / "callboard.toml"
    file.write_bytes(f'{MINIMAL}\n[lines."+12025550100"]\nlabel = "Büro"\n'.encode(coding))
    (found,) = examine(ENVIRONMENT, file)[1]
    line = f"{MINIMAL}\n[".count("\n") + 2 if coding == "cp1252" else 1
    assert found == f"callboard.toml is not saved as UTF-8: see line {line}. Save it as UTF-8 in your editor."


def test_http_mode_without_an_address_is_named(tmp_path: Path) -> None:
    given = ENVIRONMENT | {"CALLBOARD_SLACK_MODE": "http", "SLACK_SIGNING_SECRET": "secret-signing"}
    (found,) = errors(tmp_path, environment=given)
    assert "CALLBOARD_PUBLIC_URL" in found


def test_all_mistakes_are_collected_and_load_raises_the_first(tmp_path: Path) -> None:
    text = 'region = "XX"\nchannel = "calls"\n' + MINIMAL
    assert len(errors(tmp_path, text)) == 2
    with pytest.raises(SettingsError, match="region"):
        read(tmp_path, text)


def test_a_file_that_is_no_toml_or_is_not_there_is_said(tmp_path: Path) -> None:
    assert "callboard.toml cannot be read" in errors(tmp_path, "region = ")[0]
    missing = tmp_path / "elsewhere.toml"
    assert "does not exist" in examine(ENVIRONMENT, missing)[1][0]
    assert "does not exist" in examine(ENVIRONMENT | {"CALLBOARD_CONFIG": str(missing)})[1][0]


def test_a_file_that_cannot_be_read_keeps_it_from_starting_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(ENVIRONMENT, tmp_path)


def test_where_there_is_no_file_it_is_said_and_the_rest_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, found = examine(ENVIRONMENT | {"CALLBOARD_CONFIG": "", "SLACK_BOT_TOKEN": ""})
    assert found[0].startswith(f"No callboard.toml is in {tmp_path}.")
    assert any("SLACK_BOT_TOKEN" in words for words in found)


def test_a_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, f'\ufeffregion = "GB"\n{MINIMAL}').region == "GB"


def test_the_file_is_found_through_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, 'region = "GB"\n' + MINIMAL)
    assert load(ENVIRONMENT | {"CALLBOARD_CONFIG": str(file)}).region == "GB"
    assert load(ENVIRONMENT | {"CALLBOARD_CONFIG": f"{file}\r"}).region == "GB"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[accounts.voicenter]\nadmins = ["U1"]',
            "[accounts.voicenter] has an unknown setting “admins”. It stands at the top of the file, before the first "
            "section: move it there.",
        ),
        (
            '[accounts.voicenter]\n[commands]\nquiet = ["20:00", "08:00"]',
            "[commands] has an unknown setting “quiet”. It stands at the top of the file, before the first section, or "
            'in [lines."NUMBER"]: move it there.',
        ),
        (
            "daily_calls = 50\n[accounts.voicenter]",
            "callboard.toml has an unknown setting “daily_calls”. It stands in [policy]: move it there.",
        ),
        (
            "[accounts.voicenter]\n[policy]\nattempts_pr_day = 5",
            "[policy] has an unknown setting “attempts_pr_day”. Is “attempts_per_day” meant? If not, remove it.",
        ),
        (
            "[accounts.voicenter]\n[polcy]\ndaily_calls = 5",
            "callboard.toml has an unknown setting “polcy”. Is “policy” meant? If not, remove it.",
        ),
        (
            'SLACK_BOT_TOKEN = "xoxb-secret"\n[accounts.voicenter]',
            "callboard.toml has an unknown setting “SLACK_BOT_TOKEN”. It is a variable of the environment: set it "
            "there, and take it out of the file.",
        ),
        (
            'public_url = "https://x.example"\n[accounts.voicenter]',
            "callboard.toml has an unknown setting “public_url”. It is the variable CALLBOARD_PUBLIC_URL of the "
            "environment: set it there, and take it out of the file.",
        ),
        (
            '[accounts.voicenter]\nslack_bot_token = "xoxb-secret"',
            "[accounts.voicenter] has an unknown setting “slack_bot_token”. It is the variable SLACK_BOT_TOKEN of the "
            "environment: set it there, and take it out of the file.",
        ),
        (
            '[accounts.voicenter]\nmonitor_ulr = "https://x.example"',
            "[accounts.voicenter] has an unknown setting “monitor_ulr”. Is “monitor_url” meant? If not, remove it.",
        ),
        (
            '[accounts.voicenter]\n[recording]\ncountry = { US = "ask" }',
            "[recording] has an unknown setting “country”. Is “countries” meant? If not, remove it.",
        ),
        (
            '[accounts.voicenter]\ncolour = "blue"',
            "[accounts.voicenter] has an unknown setting “colour”. Remove it or check its spelling.",
        ),
    ],
)
def test_a_setting_in_the_wrong_place_or_misspelt_is_told_where_it_belongs(
    text: str, words: str, tmp_path: Path
) -> None:
    """In TOML whatever follows a section's head is of that section, so what is added at the end is of the last one."""
    file = tmp_path / "callboard.toml"
    file.write_text(text, encoding="utf-8")
    _, errors = examine(ENVIRONMENT, file)
    assert errors == [words]


@pytest.mark.parametrize("zone", ["Madrid", "europe/madrid", "Europe/Madird", "madrid"])
def test_a_time_zone_that_is_nearly_right_is_told(tmp_path: Path, zone: str) -> None:
    (found,) = errors(tmp_path, f'time_zone = "{zone}"\n{MINIMAL}')
    assert found == f"time_zone = “{zone}” is not known. Is “Europe/Madrid” meant?"
    words = 'is not known. Use an IANA name, like "Asia/Jerusalem".'
    assert errors(tmp_path, f'time_zone = "Mars/Olympus"\n{MINIMAL}') == [f"time_zone = “Mars/Olympus” {words}"]


@pytest.mark.parametrize("hours", ['"09:00-18:00"', "[09:00:00, 18:00:00]", '["9:00", "18:00"]'])
def test_hours_that_cannot_be_read_are_one_mistake(tmp_path: Path, hours: str) -> None:
    (found,) = errors(tmp_path, f"[policy]\nhours = {hours}\n{MINIMAL}")
    assert found == 'policy.hours must be two times of four digits, like hours = ["09:00", "18:00"].'


@pytest.mark.parametrize("text", ['region = "UK"\n{}', '{}[policy]\ncountries = ["uk"]'])
def test_the_united_kingdom_is_called_gb(text: str, tmp_path: Path) -> None:
    """Its two letters are two letters, so that alone would say nothing."""
    file = tmp_path / "callboard.toml"
    file.write_text(text.format(MINIMAL), encoding="utf-8")
    (told,) = examine(ENVIRONMENT, file)[1]
    assert told.endswith("“UK” is not a country code. Write “GB” for the United Kingdom.")
