"""Voicenter's IVR and layers, beyond their samples: steps in the document's shape, targets tried in turn."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import decide, local
from bot.errors import SettingsError, Unsupported
from bot.events import Outcome
from bot.hooks import Answer, Dial, GoTo, HangUp, Menu, Question, RecordMessage, Request, SayDigits, Step
from bot.providers.voicenter import Voicenter, xmlrpc
from bot.providers.voicenter.causes import CAUSES
from bot.providers.voicenter.ivr import ACTIONS, LANGUAGES
from tests.flows import flows
from tests.office import no_wire

NOW = 1_700_000_000.0
REF = "20231114221320sim00000000000000a"


def provider(**values: str) -> Voicenter:
    return Voicenter("office", {"code": "CODE-SECRET", **values}, no_wire(), "IL")


def asked(form: str = "ivr", **more: Any) -> Question:
    return Question(number="+972505550101", form=form, asks="next", ref=REF, line="+972505550100", **more)


def said(step: Step | None, form: str = "ivr", there: Voicenter | None = None) -> dict[str, Any]:
    reply = (there or provider()).write_answer(asked(form), Answer(step=step))
    told = xmlrpc.read_response(reply.body) if form == "ivr-xml" else json.loads(reply.body)
    assert isinstance(told, dict)
    return told


words, counts = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8), st.integers(0, 99)
phones = st.sampled_from(["+972505550104", "AAPINFzL", "12025550113"])
layers = st.integers(0, 9999).map(str)
languages = st.sampled_from(["", "he", "en-GB", "EN"])
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Menu, name=words, sound=words | st.just(""), repeat=counts, digits=counts, language=languages),
    st.builds(SayDigits, name=words, say=words, sound=st.just("") | words, language=languages),
    st.builds(
        Dial,
        targets=st.lists(phones, min_size=1, max_size=3).map(tuple),
        name=words,
        record=st.booleans(),
        music=st.just("") | words,
        dial_digits=st.just("") | words,
        dial_strings=st.lists(words, max_size=2).map(tuple),
        if_failed=st.just("") | words,
        failed_sound=st.just("") | words,
        language=languages,
    ),
    st.builds(GoTo, layer=layers, sound=st.just("") | words, language=languages),
    st.builds(RecordMessage, sound=st.just("") | words, max_seconds=st.none() | counts, language=languages),
    st.builds(HangUp, sound=st.just("") | words, cause=st.sampled_from(sorted(CAUSES)), language=languages),
)


@given(steps, st.sampled_from(["ivr", "ivr-xml"]))
def test_every_step_is_in_the_shape_of_the_document(step: Step, form: str) -> None:
    told = said(step, form)
    assert set(told) == {"STATUS", "ACTION", "LANGUAGE", "DATA"}
    assert told["STATUS"] == 0
    assert told["LANGUAGE"].lower() in LANGUAGES
    assert told["LANGUAGE"].isupper() == (form == "ivr")
    shape, data = ACTIONS[told["ACTION"]], told["DATA"]
    assert data.keys() <= shape.keys()
    assert {name for name, (_, mandatory) in shape.items() if mandatory} <= data.keys()
    assert all(type(value) is shape[name][0] for name, value in data.items())


@pytest.mark.parametrize(
    ("step", "form", "words"),
    [
        (GoTo(layer="sales"), "ivr", "layers are numbers, and “sales” is none"),
        (GoTo(layer="²"), "ivr", "is none"),
        (HangUp(cause=99), "ivr", "knows no cause 99"),
        (HangUp(language="ru"), "ivr", "speaks he and en, not “ru”"),
        (Menu(name="hello", sound=""), "layer", "“hello” is none"),
        (RecordMessage(), "layer", "can go to a layer, dial or say digits"),
        (HangUp(), "layer", "nothing else"),
        (Dial(targets=("201",), if_failed="night"), "layer", "“night” is none"),
        (GoTo(layer="7", variables={"note": "x" * 129}), "layer", "“note” has 129"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(step: Step, form: str, words: str) -> None:
    with pytest.raises(Unsupported, match=words) as caught:
        provider().write_answer(asked(form), Answer(step=step))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("ivr", {"STATUS": 0, "ACTION": "VO", "DATA": {"LAYER": 3, "RECORD": "blank", "LOOP": 1, "DELAY": 0}}),
        ("layer", {"STATUS": 0, "ACTION": "GO_TO_LAYER", "LAYER": 3, "CALLER_NAME": "", "CUSTOM_DATA": {}}),
    ],
)
def test_a_configured_layer_takes_what_no_flow_says_anything_about(form: str, told: Mapping[str, Any]) -> None:
    there = provider(fallback_layer=" 3 ", ivr_language="EN")
    assert said(None, form, there) == {**told, **({"LANGUAGE": "EN"} if form == "ivr" else {})}


@pytest.mark.parametrize(
    ("name", "value"), [("fallback_layer", "sales"), ("fallback_layer", "٣"), ("ivr_language", "ru")]
)
def test_wrong_settings_are_said_at_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^OFFICE_{name.upper()} is .* Set it to .*\.$"):
        provider(**{name: value})


@pytest.mark.parametrize("path", ["ivr", "layer/"])
@pytest.mark.parametrize("body", [b"", b'{METHOD: "GET_IVR_ACTION"}', b"<methodCall>"])
def test_what_cannot_be_read_is_answered_with_the_error_of_the_document(path: str, body: bytes) -> None:
    request = Request("POST", path, (), {}, body, NOW)
    reply = provider().write_unreadable(request, "It is no JSON.")
    told = xmlrpc.read_response(reply.body) if body.startswith(b"<") else json.loads(reply.body)
    assert (reply.status, told) == (400, {"STATUS": 1})


def test_a_layer_speaks_more_languages_than_the_external_ivr() -> None:
    assert said(SayDigits(name="9", say="1", language="ru-RU"), "layer")["LANGUAGE"] == "RU"
    assert said(SayDigits(name="9", say="1", language="ar"), "layer")["LANGUAGE"] == "AR"
    with pytest.raises(Unsupported, match="speaks he, en, ar and ru, not “fr”"):
        said(SayDigits(name="9", say="1", language="fr"), "layer")


FLOW = """
[[flow]]
start = "hello"
[flow.steps.hello]
do = "menu"
sound = "welcome"
digits = 2
choices = { "1" = "sales", "2" = "boss", "" = "sales", "*" = "code" }
[flow.steps.sales]
do = "dial"
targets = ["@S1", "AAPINFzL"]
if_failed = "hello"
[flow.steps.boss]
do = "dial"
targets = ["BBPINFzM"]
if_failed = "code"
[flow.steps.code]
do = "say_digits"
say = "0405"
choices = { "*" = "later" }
[flow.steps.later]
do = "record"
"""


class Caller:
    """Walks through the flow as Voicenter would: what it is told is what it asks with next."""

    def __init__(self) -> None:
        self.flows = flows(FLOW)
        self.provider = provider()
        self.menu, self.previous = "-1", "-1"
        self.reach: dict[str, tuple[str, ...]] = {"@S1": ("+972505550104", "CCPINFzN")}

    def ask(self, digits: str = "") -> tuple[str, dict[str, Any]]:
        data = {"DID": "0505550100", "CALLER_ID": "0505550101", "IVR_UNIQUE_ID": REF, "DTMF": digits}
        data |= {"MENU": self.menu, "PREVIOUS_MENU": self.previous}
        body = json.dumps({"METHOD": "GET_IVR_ACTION", "DATA": data}).encode()
        question = self.provider.read_webhook(Request("POST", "ivr", (), {}, body, NOW)).question
        assert question is not None
        step = decide(question, self.flows, local(NOW, "UTC"), self.reach)
        told = json.loads(self.provider.write_answer(question, Answer(step=step)).body)
        following = told["DATA"].get("MENU") or told["DATA"].get("NEXT_MENU")
        if following:
            self.previous, self.menu = self.menu, following
        return told["ACTION"], told["DATA"]


def test_targets_are_tried_one_after_the_other_and_then_the_menu_is_played() -> None:
    caller = Caller()
    assert caller.ask()[0] == "MENU"
    rung = []
    for digits in ("1", "", ""):
        action, data = caller.ask(digits)
        assert action == "CALL"
        rung.append(data["TARGET"])
    assert rung == ["972505550104", "CCPINFzN", "AAPINFzL"]
    assert (data["NEXT_MENU"], data["NEXT_MENU_RECORD"], data["NEXT_MENU_SIZE"]) == ("hello", "welcome", 2)
    assert caller.ask("2")[1]["TARGET"] == "BBPINFzM"


def test_whoever_became_busy_meanwhile_is_left_out() -> None:
    caller = Caller()
    caller.ask()
    assert caller.ask("1")[1]["TARGET"] == "972505550104"
    caller.reach = {"@S1": ("+972505550104",)}
    assert caller.ask()[1]["TARGET"] == "AAPINFzL"


def test_after_a_dial_any_step_may_follow_and_is_heard_from_its_beginning() -> None:
    caller = Caller()
    caller.ask()
    assert caller.ask("2")[0] == "CALL"
    assert caller.ask()[0] == "SAYDIGITS"
    assert caller.ask("7")[0] == "SILENTRECORD"


def test_every_cause_of_the_document_is_there() -> None:
    assert len(CAUSES) == 32
    assert {number for number, cause in CAUSES.items() if cause.sip == 404} == {1, 2, 3, 26}
    assert {number for number, cause in CAUSES.items() if cause.sip == 503} == {34, 38, 41, 42, 47, 58, 88}
    assert [CAUSES[number].outcome for number in (17, 19, 21)] == [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED]
