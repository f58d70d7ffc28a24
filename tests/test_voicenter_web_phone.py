"""Voicenter's web phone: its settings, and its ten callbacks as events."""

from typing import Any

import pytest

from bot.call import Call
from bot.errors import SettingsError
from bot.events import REP, AnyEvent, LegAnswered, LegEnded, LegRinging, Outcome
from bot.providers.voicenter import web_phone as voicenter_web_phone
from bot.web_phone import Report
from tests.browser import CALLER, EXTENSION, REF


@pytest.mark.parametrize(
    ("script", "hosts", "expected"),
    [
        ("", "wss://sip.example.com", None),
        ("https://v.example/p.js", "", ("https://v.example", "wss://v.example")),
        (
            "https://v.example/p.js",
            "wss://*.example.com https://a.example",
            ("wss://*.example.com", "https://a.example"),
        ),
    ],
)
def test_the_web_phone_as_it_is_set_up(script: str, hosts: str, expected: tuple[str, ...] | None) -> None:
    found = voicenter_web_phone.offered("branch", {"web_phone_script": script, "web_phone_hosts": hosts})
    assert (found.hosts if found else None) == expected
    assert found is None or found.adapter.is_file()


@pytest.mark.parametrize(
    ("script", "hosts", "variable"),
    [
        ("http://v.example/p.js", "", "BRANCH_WEB_PHONE_SCRIPT"),
        ("https://v.example/p.js; script-src *", "", "BRANCH_WEB_PHONE_SCRIPT"),
        ("https://*/p.js", "", "BRANCH_WEB_PHONE_SCRIPT"),
        ("javascript:alert(1)", "", "BRANCH_WEB_PHONE_SCRIPT"),
        ("https://v.example/p.js", "*", "BRANCH_WEB_PHONE_HOSTS"),
        ("https://v.example/p.js", "wss://a.example; script-src", "BRANCH_WEB_PHONE_HOSTS"),
        ("https://v.example/p.js", "ws://a.example", "BRANCH_WEB_PHONE_HOSTS"),
    ],
)
def test_an_address_that_would_open_the_page_to_others_is_refused(script: str, hosts: str, variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        voicenter_web_phone.offered("branch", {"web_phone_script": script, "web_phone_hosts": hosts})


INCOMING = Call(id="c", account="a", direction="in", refs=(REF,))
OURS = Call(id="c", account="a", refs=(REF,), rep="U1", rep_phone=EXTENSION, number=CALLER)
AT = 5.0


@pytest.mark.parametrize(
    ("call", "what", "expected"),
    [
        (INCOMING, "ringing", LegRinging(ref=REF, at=AT, leg=f"ext:{EXTENSION}")),
        (INCOMING, "answered", LegAnswered(ref=REF, at=AT, leg=f"ext:{EXTENSION}")),
        (INCOMING, "ended", LegEnded(ref=REF, at=AT, leg=f"ext:{EXTENSION}", outcome=Outcome.PENDING)),
        (INCOMING, "rejected", LegEnded(ref=REF, at=AT, leg=f"ext:{EXTENSION}", outcome=Outcome.PENDING)),
        (OURS, "ringing", LegRinging(ref=REF, at=AT, leg=REP)),
        (OURS, "answered", LegAnswered(ref=REF, at=AT, leg=REP)),
        (OURS, "rejected", LegEnded(ref=REF, at=AT, leg=REP, outcome=Outcome.REJECTED)),
        (OURS, "failed", LegEnded(ref=REF, at=AT, leg=REP, outcome=Outcome.FAILED)),
        (OURS, "ended", LegEnded(ref=REF, at=AT, leg=REP, outcome=Outcome.PENDING)),
    ],
)  # fmt: skip
def test_what_a_callback_means(call: Call, what: Any, expected: AnyEvent) -> None:
    assert voicenter_web_phone.events(call, Report(what, REF, EXTENSION, AT)) == (expected,)


@pytest.mark.parametrize(
    ("changes", "what", "leg"),
    [
        ({"number": EXTENSION, "rep_phone": "BBPINFzM"}, "ringing", "customer"),
        ({"rep_phone": "BBPINFzM"}, "ended", ""),
        ({"rep_phone": "4711"}, "ringing", "rep"),
        ({"rep_phone": "4711"}, "ended", ""),
        ({"rep_phone": ""}, "calling", "customer"),
        ({"rep_phone": ""}, "ringing", "rep"),
    ],
)
def test_which_leg_the_page_is(changes: dict[str, str], what: Any, leg: str) -> None:
    call = Call(id="c", account="a", refs=(REF,), rep="U1", **({"number": CALLER} | changes))  # type: ignore[arg-type]
    found = voicenter_web_phone.events(call, Report(what, REF, EXTENSION, AT))
    assert [getattr(event, "leg", "") for event in found] == ([leg] if leg else [])
