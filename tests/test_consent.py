"""What must happen before a call is recorded: nothing without a rule, and of two countries the stricter one counts."""

from typing import Any

import pytest

from bot.consent import Recording, Rule, decide, joining, read, words
from bot.errors import NotAllowed

US, GB, IL, CA = "+12025550123", "+447700900123", "+972505550100", "+14165550123"
SAYS = "This call is recorded."


def rules(default: Rule = "off", **countries: Rule) -> Recording:
    return Recording(countries=countries, default=default, announcement=SAYS)


@pytest.mark.parametrize("number", [US, GB, "", "201", "nonsense"])
def test_nothing_is_recorded_until_a_rule_says_so(number: str) -> None:
    for running in (True, False):
        with pytest.raises(NotAllowed, match=r"not recorded here.*Your admin decides"):
            decide(Recording(), number, "", "US", running=running, can_play=True)


def test_countries_of_one_numbering_plan_differ() -> None:
    assert decide(rules(US="ask"), US, "", "US", running=True).question
    with pytest.raises(NotAllowed, match="CA"):
        decide(rules(US="ask"), CA, "", "US", running=True)


@pytest.mark.parametrize(
    ("theirs", "ours", "strictest"),
    [
        ("announce", "ask", "ask"),
        ("ask", "announce", "ask"),
        ("announce", "announce", "announce"),
        ("off", "announce", "off"),
        ("announce", "off", "off"),
        ("ask", "off", "off"),
    ],
)
@pytest.mark.parametrize("line", [IL, ""])
def test_the_stricter_of_two_countries_counts(theirs: Rule, ours: Rule, strictest: Rule, line: str) -> None:
    """The line's, or the office's where the line is not known."""
    given = rules(GB=theirs, IL=ours)
    if strictest == "off":
        with pytest.raises(NotAllowed):
            decide(given, GB, line, "IL", running=True)
        return
    question = decide(given, GB, line, "IL", running=True).question
    assert ("agree" in question) == (strictest == "ask")
    assert (SAYS in question) == (strictest == "announce")


def test_the_own_country_without_a_rule_of_its_own_does_not_matter() -> None:
    assert decide(rules(GB="announce"), GB, US, "US", running=True).question
    with pytest.raises(NotAllowed):  # the default is for the other side
        decide(rules("off", US="announce"), GB, US, "US", running=True)


def test_withheld_numbers_and_extensions_follow_the_default() -> None:
    assert decide(rules("ask"), "", "", "US", running=True).question
    assert decide(rules("ask"), "201", "", "US", running=True).question


def test_the_announcement_is_played_where_the_service_can_and_only_before_the_talk() -> None:
    given = rules(US="announce")
    played = decide(given, US, "", "US", running=False, can_play=True)
    assert (played.play, played.question, played.done) == (SAYS, "", "the announcement was played first")
    said = decide(given, US, "", "US", running=False)
    assert (said.play, said.yes, said.done) == ("", "I will tell them", "promised to announce it")
    assert f"Will you tell them as the first thing you say: “{SAYS}”?" in said.question
    running = decide(given, US, "", "US", running=True, can_play=True)
    assert (running.play, running.yes, running.done) == ("", "I told them", "confirmed that it was announced")
    assert f"Have you told them: “{SAYS}”?" in running.question


def test_where_the_other_side_must_agree_an_announcement_is_not_enough() -> None:
    asked = decide(rules(US="ask"), US, "", "US", running=False, can_play=True)
    assert (asked.play, asked.yes) == ("", "They agreed")
    assert "call without recording, ask, and start it then" in asked.question
    assert "call without" not in decide(rules(US="ask"), US, "", "US", running=True).question


def test_whoever_joins_a_recorded_call_is_told_or_asked_first() -> None:
    """The announcement is played where that can be; whom the rep does not talk to must know already."""
    told = rules(GB="announce", US="announce")
    played = joining(told, GB, US, "US", talks_first=True, can_play=True)
    assert (played.play, played.question, bool(played.done)) == (SAYS, "", True)
    said = joining(told, GB, US, "US", talks_first=True, can_play=False)
    assert (said.play, said.yes) == ("", "I will tell them")
    assert f"the first thing you say: “{SAYS}”?" in said.question
    assert said.done == "promised to announce the recording"
    known = joining(told, GB, US, "US", talks_first=False, can_play=False)
    assert (known.play, known.yes) == ("", "I told them")
    asked = joining(rules(GB="ask", US="announce"), GB, US, "US", talks_first=True, can_play=True)
    assert (asked.play, asked.yes) == ("", "They agreed")
    for question in (known.question, asked.question):
        assert "This call is being recorded" in question
        assert "stop the recording first" in question


@pytest.mark.parametrize("number", [GB, "+905550000001"])
def test_whoever_must_not_be_recorded_does_not_join_a_recorded_call(number: str) -> None:
    with pytest.raises(NotAllowed, match=r"being recorded.*nobody was called.*Stop the recording first"):
        joining(rules(US="ask"), number, US, "US", talks_first=True, can_play=True)


def test_the_words_of_buttons_fit() -> None:
    for rule in ("ask", "announce"):
        for running in (True, False):
            assert len(decide(rules(rule), US, "", "US", running=running).yes) <= 24
            assert len(joining(rules(rule), US, "", "US", talks_first=running, can_play=False).yes) <= 24


def test_the_rules_are_told() -> None:
    told = words(Recording(countries={"IL": "announce", "US": "ask"}, announcement=SAYS, deliver="file", keep_days=30))
    for part in ("from IL are recorded if the other side is told", "from US are recorded if the other side was asked"):
        assert part in told
    assert "All other calls are never recorded" in told
    assert SAYS in told
    assert "after 30 days" in told
    assert "links after 1 day;" in words(Recording(keep_days=1))
    assert "Calls are never recorded" in words(Recording())
    assert "links never" in words(Recording(keep_days=0))


def test_the_section_is_read() -> None:
    found, errors = read(
        {
            "countries": {"il": "announce", "US": "ask"},
            "announcement": f" {SAYS} ",
            "deliver": "file",
            "listen": "manager",
            "keep_days": 0,
            "max_megabytes": 20,
        }
    )
    assert errors == []
    assert found == Recording({"IL": "announce", "US": "ask"}, "off", SAYS, "file", "manager", 0, 20)
    assert read({}) == (Recording(), [])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"countries": ["IL"]}, "recording.countries must name a rule for each country"),
        ({"countries": {"Israel": "ask"}}, "“Israel” is not a country code"),
        ({"countries": {"IL": "always"}}, "recording.countries.IL must be one of: off, ask, announce"),
        ({"default": "on"}, "recording.default must be one of"),
        ({"announcement": 5}, "recording.announcement must be a text"),
        ({"countries": {"IL": "announce"}}, "recording.announcement is not set"),
        ({"default": "announce", "announcement": " "}, "recording.announcement is not set"),
        ({"deliver": "mail"}, "recording.deliver must be one of: file, link"),
        ({"listen": "everybody"}, "recording.listen must be one of: rep, manager, admin"),
        ({"keep_days": -1}, "recording.keep_days must be a whole number"),
        ({"keep_days": True}, "recording.keep_days must be a whole number"),
        ({"max_megabytes": 0}, "recording.max_megabytes must be a whole number, 1 or more"),
    ],
)
def test_every_mistake_is_a_sentence(table: dict[str, Any], words: str) -> None:
    _, errors = read(table)
    assert any(words in error for error in errors), errors
