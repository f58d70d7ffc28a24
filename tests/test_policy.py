"""The policy: every check, their order, and what may not be refused."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.errors import SettingsError
from bot.limits import day_start, week_start
from bot.policy import decide
from bot.rules import Allowed, Decision, DoNotCall, History, NeedsConfirmation, Proposed, Refused, Rules, Used
from bot.window import Window, is_open, next_open, zones_of

WORLD = Rules(region="US", countries=frozenset({"US", "GB", "IL", "AE", "TR"}))
NOON = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)  # a Wednesday: 10:00 in New York, 15:00 in London, 17:00 in Jerusalem
ORDER = Proposed(rep="U1", role="rep", number="+12025550123", own_number="+12025550100")
LISTED = DoNotCall("asked not to be called.", "Ada Example", datetime(2026, 11, 2, 12, tzinfo=UTC).timestamp())


def ask(number: str = ORDER.number, rules: Rules = WORLD, now: datetime = NOON, **changes: object) -> Decision:
    return decide(replace(ORDER, number=number, **changes), rules, History(), now)


def refusal(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    for sentence in (decision.why, decision.next_step):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert decision.why.startswith("The call was not placed: ")
    assert decision.words == f"{decision.why} {decision.next_step}"
    return decision.why


@pytest.mark.parametrize("number", ["+12025550123", "+447700900123", "+972505550123", "+905550000001", "+97142345678"])
def test_allows_ordinary_and_fictional_numbers(number: str) -> None:
    # A moment at which all of them are inside the window: 09:30 in New York is 18:30 in Dubai, so ask earlier there.
    now = NOON if number.startswith("+1") else datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    assert ask(number, now=now) == Allowed()


@pytest.mark.parametrize("number", ["+12025550123", "+447700900123", "+972505550123", "+905550000001"])
def test_the_teams_own_country_needs_no_list(number: str) -> None:
    region = {"+1": "US", "+4": "GB", "+9": "IL"}[number[:2]] if not number.startswith("+90") else "TR"
    assert ask(number, replace(WORLD, region=region, countries=frozenset()), confirmed=True, own_number="") == Allowed()


def test_roles() -> None:
    rules = replace(WORLD, roles=frozenset({"manager", "admin"}))
    assert "your role here is rep, and only managers or admins may call" in refusal(ask(rules=rules))
    assert ask(rules=rules, role="manager") == Allowed()
    assert "only nobody may call" in refusal(ask(rules=replace(WORLD, roles=frozenset())))


def test_own_number() -> None:
    assert "+1 202-555-0100 is your own phone" in refusal(ask("+12025550100"))
    assert "21 is your own phone" in refusal(ask("21", extension=True, own_number="21"))
    assert ask(own_number="") == Allowed()


@pytest.mark.parametrize("digits", ["112", "911", "999", "100", "101", "102"])
@pytest.mark.parametrize("region", ["US", "IL", "GB", "TR", "RU", "IN"])
@pytest.mark.parametrize("extension", [True, False])
def test_emergency_numbers_never_in_any_region(digits: str, region: str, extension: bool) -> None:
    why = refusal(ask(digits, Rules(region=region), extension=extension, typed=digits, confirmed=True))
    assert f"{digits} is an emergency number" in why


@pytest.mark.parametrize("typed", ["1-1-2", "+112", " 9 1 1", "tel:999", "(101)"])
def test_emergency_numbers_however_typed(typed: str) -> None:
    assert "emergency number" in refusal(ask(typed=typed))


@pytest.mark.parametrize(
    ("number", "digits"), [("+972100", "100"), ("+1911", "911"), ("+97211", ""), ("+61000", "000")]
)
def test_emergency_numbers_behind_a_country_code(number: str, digits: str) -> None:
    why = refusal(ask(number))
    assert (f"{digits} is an emergency number" in why) == bool(digits)


def test_a_regions_own_emergency_number() -> None:
    assert "103 is an emergency number" in refusal(ask("103", Rules(region="RU"), extension=True))
    assert ask("103", Rules(region="US"), extension=True) == Allowed()


@pytest.mark.parametrize("number", ["00905550000001", "19005550123", "1900-555-0123"])
def test_a_number_does_not_pass_as_an_extension(number: str) -> None:
    assert "too long for an extension" in refusal(ask(number, extension=True))
    assert ask("AAPINFzL", extension=True) == Allowed()
    assert ask("123456", extension=True) == Allowed()


def test_a_number_that_ends_like_an_emergency_number_is_a_number() -> None:
    assert ask("+12025550112") == Allowed()


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+19005550123", "premium-rate"),
        ("+448712345678", "premium-rate"),
        ("+491801234567", "shared-cost"),
        ("+9721700123456", "shared-cost"),
        ("+447012345678", "personal number"),
        ("+443331234567", "company-wide"),
        ("+447640123456", "pager"),
        ("+870773111632", "belongs to no country"),
        ("+88216123456", "belongs to no country"),
        ("+97912345678", "belongs to no country"),
    ],
)
@pytest.mark.parametrize("country", ["", "US"])
def test_costly_numbers_never(number: str, name: str, country: str) -> None:
    everywhere = Rules(region="US", countries=frozenset({"US", "GB", "DE", "IL"}))
    assert name in refusal(ask(number, everywhere, country=country, confirmed=True))


def test_a_premium_number_with_surplus_digits_is_still_one() -> None:
    assert "shared-cost" in refusal(ask("+972170012345699"))


@pytest.mark.parametrize(
    "number", ["+972501", "+120255501", "+999123456", "+44", "+", "", "0501234567", "1234567", "x"]
)
def test_impossible_numbers(number: str) -> None:
    assert "is not a possible phone number" in refusal(ask(number))


def test_short_numbers() -> None:
    assert "is a short number" in refusal(ask("+44116123"))
    assert "is a short number" in refusal(ask("411"))


def test_countries() -> None:
    home = Rules(region="GB")
    assert "is in US, and calls from here may only go to GB" in refusal(ask(rules=home))
    assert "may only go to AE, GB, IL, TR, US" in refusal(ask("+4930123456", confirmed=True))
    assert "is in AG" in refusal(ask("+12684601234"))  # a +1 number is not always in the US
    assert "is in KZ" in refusal(ask("+77272550123", Rules(region="RU")))
    # The metadata does not know this one, so it counts as the main country of +44.
    assert ask("+447700900123", home, own_number="") == Allowed()


def test_a_phone_of_ones_own_in_another_country_is_not_rung() -> None:
    home = Rules(region="GB")
    decision = ask("+447700900123", home)
    assert isinstance(decision, Refused)
    assert "it would ring your own phone first, and +1 202-555-0100 is in US" in refusal(decision)
    assert "only go to GB. Link a phone there, or your extension, with `/phone link`" in decision.words
    assert "own phone first" in refusal(ask("21", home, extension=True))
    for own in ("+447700900999", "AAPINFzL", "201", ""):
        assert ask("+447700900123", home, own_number=own) == Allowed()


@pytest.mark.parametrize(
    ("digits", "region", "asked"),
    [
        ("411", "US", True),
        ("211", "US", True),
        ("201", "US", False),
        ("2044", "US", False),  # of one network each, as nearly all of four digits
        ("24280", "US", False),  # written to only
        ("118500", "GB", True),
        ("69888", "GB", True),
        ("201", "GB", False),
        ("1455", "IL", True),
        ("3311", "IL", False),
        ("AAPINFzL", "IL", False),
    ],
)
def test_an_extension_that_may_be_a_short_number_is_asked_about(digits: str, region: str, asked: bool) -> None:
    home = Rules(region=region)
    decision = ask(digits, home, extension=True, own_number="")
    assert isinstance(decision, NeedsConfirmation) is asked
    if isinstance(decision, NeedsConfirmation):
        assert decision.why.startswith(f"{digits} is a short number in {region} too: ")
    assert ask(digits, home, extension=True, own_number="", linked=True) == Allowed()
    assert ask(digits, home, extension=True, own_number="", confirmed=True) == Allowed()


def test_the_do_not_call_list() -> None:
    decision = decide(ORDER, WORLD, History(do_not_call=LISTED), NOON)
    assert "put there by Ada Example on 2 November 2026: asked not to be called." in refusal(decision)
    bare = decide(ORDER, WORLD, History(do_not_call=DoNotCall("", "", LISTED.at)), NOON)
    assert refusal(bare).endswith("is on the do-not-call list, put there on 2 November 2026.")


def test_the_daily_cap_and_its_day() -> None:
    rules = replace(WORLD, zone="America/New_York")
    assert decide(ORDER, rules, History(today=Used(199)), NOON) == Allowed()
    decision = decide(ORDER, rules, History(today=Used(200)), NOON)
    assert "you have placed 200 calls today, and the limit for one person is 200 a day" in refusal(decision)
    assert isinstance(decision, Refused)
    assert decision.next_slot == datetime(2026, 11, 19, 5, tzinfo=UTC)
    assert day_start(rules, NOON) == datetime(2026, 11, 18, 5, tzinfo=UTC)
    # An extension costs a place in the day like any other call.
    refusal(decide(replace(ORDER, number="21", extension=True), rules, History(today=Used(200)), NOON))


@pytest.mark.parametrize(
    ("rules", "history", "words"),
    [
        ({"daily_minutes": 90}, History(today=Used(3, 90)), "you have talked for 90 minutes today"),
        ({"team_daily_calls": 500}, History(team_today=Used(500)), "500 calls were placed by all of you today"),
        ({"team_daily_minutes": 60}, History(team_today=Used(9, 61)), "all of you have talked for 61 minutes today"),
        ({"daily_calls": 1}, History(today=Used(1)), "you have placed 1 call today"),
        ({"daily_minutes": 1}, History(today=Used(3, 1)), "you have talked for 1 minute today"),
        ({"team_daily_calls": 1}, History(team_today=Used(1)), "1 call was placed by all of you today"),
        ({"calls_at_once": 1}, History(under_way=1), "1 call of yours is under way, and the limit for one person is 1"),
    ],
)
def test_minutes_and_the_whole_team_have_caps(rules: dict[str, int], history: History, words: str) -> None:
    assert words in refusal(decide(ORDER, replace(WORLD, **rules), history, NOON))
    assert decide(ORDER, WORLD, history, NOON) == Allowed(), "0 is no limit"
    assert decide(ORDER, replace(WORLD, **dict.fromkeys(rules, 99_999)), history, NOON) == Allowed()


def test_a_rep_has_so_many_calls_at_the_same_moment() -> None:
    words = "12 calls of yours are under way, and the limit for one person is 12 at the same moment"
    decision = decide(ORDER, WORLD, History(under_way=12), NOON)
    assert words in refusal(decision)
    assert isinstance(decision, Refused)
    assert (decision.cap, decision.next_slot) == ("calls_at_once", NOON + timedelta(minutes=1))
    assert decide(ORDER, WORLD, History(under_way=11), NOON) == Allowed()
    assert decide(ORDER, replace(WORLD, calls_at_once=0), History(under_way=99), NOON) == Allowed()
    refusal(decide(replace(ORDER, waived=True), WORLD, History(under_way=12), NOON))


def test_one_is_not_said_as_several() -> None:
    for rules, history, words in (
        (replace(WORLD, calls_at_once=1), History(under_way=1), "1 call of yours is under way, and"),
        (replace(WORLD, daily_calls=1), History(today=Used(1)), "you have placed 1 call today, and"),
        (replace(WORLD, daily_minutes=1), History(today=Used(0, 1)), "you have talked for 1 minute today, and"),
        (replace(WORLD, team_daily_calls=1), History(team_today=Used(1)), "1 call was placed by all of you today"),
        (replace(WORLD, team_daily_minutes=1), History(team_today=Used(9, 1)), "all of you have talked for 1 minute"),
    ):
        decision = decide(ORDER, rules, history, NOON)
        assert isinstance(decision, Refused)
        assert decision.why.startswith(f"The call was not placed: {words}")


def test_outside_the_window_it_asks() -> None:
    late = datetime(2026, 11, 18, 17, 40, tzinfo=UTC)
    assert ask("+97142345678", now=late) == NeedsConfirmation(
        "It is 21:40 in Dubai; calls are meant to be placed between 09:00 and 18:00, Monday to Friday. Call anyway?",
        datetime(2026, 11, 19, 5, tzinfo=UTC),
    )
    assert ask("+97142345678", now=late, confirmed=True) == Allowed()
    assert ask("21", now=late, extension=True) == Allowed()


def test_a_free_day_is_named() -> None:
    saturday = datetime(2026, 11, 21, 15, tzinfo=UTC)
    decision = ask(now=saturday)
    assert isinstance(decision, NeedsConfirmation)
    assert decision.why.startswith("It is Saturday 10:00 in New York; ")
    assert decision.next_slot == datetime(2026, 11, 23, 14, tzinfo=UTC)


def test_the_window_includes_its_start_and_excludes_its_end() -> None:
    zone = ZoneInfo("America/New_York")
    start = datetime(2026, 11, 18, 9, tzinfo=zone)
    end = datetime(2026, 11, 18, 18, tzinfo=zone)
    second = timedelta(seconds=1)
    for moment, inside in ((start, True), (start - second, False), (end, False), (end - second, True)):
        assert (ask(now=moment) == Allowed()) is inside


def test_a_number_in_several_zones_must_be_inside_the_window_in_all() -> None:
    freephone = "+18005550123"
    decision = ask(freephone)
    assert isinstance(decision, NeedsConfirmation)
    assert decision.why.startswith("It is between Wednesday 04:00 and Thursday 01:00 where this number may be; ")
    assert ask("+18005550123", confirmed=True) == Allowed()
    # Ireland and the United Kingdom have several zones with one clock.
    assert ask("+447700900123", now=datetime(2026, 11, 18, 17, 59, tzinfo=UTC)) == Allowed()
    dark = ask("+447700900123", now=datetime(2026, 11, 18, 18, 0, tzinfo=UTC))
    assert isinstance(dark, NeedsConfirmation)
    assert dark.why.startswith("It is 18:00 there; ")


def test_an_unknown_zone_asks() -> None:
    assert zones_of("+") == ()
    assert not is_open(Window(), (), NOON)
    assert next_open(Window(), (), NOON) is None


def test_a_foreign_and_a_new_number_are_asked_about_if_wanted() -> None:
    unknown, rules = History(known=False), replace(WORLD, ask_first=frozenset({"foreign", "new"}))
    there = replace(ORDER, number="+97142345678")
    late = datetime(2026, 11, 18, 17, 40, tzinfo=UTC)
    foreign = "+971 4 234 5678 is in another country (AE), where calls may cost more."
    new = "Nobody of ours has had a call with +971 4 234 5678 before, and it is in no contact."
    assert decide(ORDER, rules, History(), NOON) == Allowed()
    assert decide(there, WORLD, unknown, NOON.replace(hour=8)) == Allowed()
    assert decide(there, rules, History(), NOON.replace(hour=8)) == NeedsConfirmation(f"{foreign} Call anyway?")
    decision = decide(there, rules, unknown, late)
    assert isinstance(decision, NeedsConfirmation)
    assert decision.why.startswith("It is 21:40 in Dubai; calls are meant to be placed between 09:00 and 18:00, ")
    assert decision.why.endswith(f", Monday to Friday. {foreign} {new} Call anyway?")
    assert decision.next_slot == datetime(2026, 11, 19, 5, tzinfo=UTC)
    for change in ({"confirmed": True}, {"from_list": True}, {"automatic": True}):
        assert decide(replace(there, **change), rules, unknown, NOON.replace(hour=8)) == Allowed()
    assert decide(replace(ORDER, number="21", extension=True), rules, unknown, NOON) == Allowed()


def test_the_first_objection_speaks() -> None:
    """Each order here would be refused by every later check too."""
    history = History(do_not_call=LISTED, today=Used(999))
    night = datetime(2026, 11, 21, 3, tzinfo=UTC)
    steps: list[tuple[Proposed, Rules, History, str]] = [
        (replace(ORDER, own_number=ORDER.number), replace(WORLD, roles=frozenset()), history, "your role"),
        (replace(ORDER, number="911", own_number="911"), WORLD, history, "your own phone"),
        (replace(ORDER, number="+19005550123", typed="911"), WORLD, history, "emergency"),
        (replace(ORDER, number="+19005550123"), Rules(region="GB"), history, "premium-rate"),
        (replace(ORDER, number="+120255501"), Rules(region="GB"), history, "not a possible"),
        (ORDER, Rules(region="GB"), history, "may only go to"),
        (ORDER, WORLD, history, "do-not-call list"),
        (ORDER, WORLD, History(today=Used(999)), "the limit for one person"),
    ]
    for order, rules, past, words in steps:
        assert words in refusal(decide(order, rules, past, night))
    assert isinstance(decide(ORDER, WORLD, History(), night), NeedsConfirmation)


_ZONES = ["America/New_York", "Asia/Dubai", "Europe/London", "Asia/Jerusalem", "Pacific/Honolulu", "Asia/Kathmandu"]


@given(
    st.lists(st.sampled_from(_ZONES), min_size=1, max_size=3, unique=True),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 22),
    st.integers(1, 23),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_the_next_slot_is_the_first(
    names: list[str], now: datetime, start: int, length: int, days: frozenset[int]
) -> None:
    """Compared with trying every quarter of an hour: all of these zones and windows change on those."""
    window = Window(time(start), time(min(start + length, 24) % 24), days)
    found = next_open(window, names, now)
    quarter = timedelta(minutes=15)
    first = datetime.fromtimestamp((now.timestamp() // 900 + 1) * 900, UTC)
    tried = (first + n * quarter for n in range(8 * 24 * 4))
    slow = now if is_open(window, names, now) else next((at for at in tried if is_open(window, names, at)), None)
    if slow is not None:
        assert found == slow
    if found is not None:
        assert is_open(window, names, found)


_ANYTHING = st.builds(
    Proposed,
    rep=st.just("U1"),
    role=st.sampled_from(["rep", "manager", "admin"]),
    number=st.one_of(st.text(max_size=20), st.from_regex(r"\+?[0-9]{0,17}", fullmatch=True)),
    own_number=st.sampled_from(["", "+12025550100"]),
    extension=st.booleans(),
    typed=st.text(max_size=20),
    country=st.sampled_from(["", "US", "GB"]),
    confirmed=st.booleans(),
)


@given(_ANYTHING, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_always_answers_in_full_sentences(order: Proposed, now: datetime) -> None:
    decision = decide(order, WORLD, History(), now)
    if isinstance(decision, Refused):
        refusal(decision)
    elif isinstance(decision, NeedsConfirmation):
        assert not order.confirmed
        assert decision.why.endswith("Call anyway?")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: Rules(region="us"), "“us” .* is not a country code"),
        (lambda: Rules(region="US", countries=frozenset({"UK"})), "“UK” .* is not a country code"),
        (lambda: Rules(region="US", team_daily_minutes=-1), "below zero"),
        (lambda: Rules(region="US", zone="Mars/Olympus"), "“Mars/Olympus” is unknown"),
        (lambda: Window(time(18), time(9)), r"end \(09:00\) is not after its start \(18:00\)"),
        (lambda: Window(weekdays=frozenset()), "at least one day"),
        (lambda: Window(weekdays=frozenset({7})), "from 0"),
    ],
)
def test_settings_that_cannot_be_met(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        wrong()


def test_the_window_is_a_rule_for_automatic_calls() -> None:
    late = datetime(2026, 11, 18, 17, 40, tzinfo=UTC)
    decision = ask("+97142345678", now=late, automatic=True, confirmed=True)
    assert "it is 21:40 in Dubai, and automatic calls are placed between 09:00 and 18:00" in refusal(decision)
    assert isinstance(decision, Refused)
    assert decision.next_slot == datetime(2026, 11, 19, 5, tzinfo=UTC)
    assert ask("+97142345678", now=datetime(2026, 11, 19, 5, tzinfo=UTC), automatic=True) == Allowed()


@pytest.mark.parametrize("number", ["+18005550123", "+"])
def test_an_unknown_zone_is_no_automatic_call(number: str) -> None:
    """A free number may be anywhere from Guam to New York: no hour is right in all of these places."""
    order = replace(ORDER, number=number, automatic=True, extension=number == "+", own_number="")
    decision = decide(order, WORLD, History(), NOON)
    assert "not known what time it is" in refusal(decision)
    assert isinstance(decision, Refused)
    assert decision.next_slot is None


def test_automatic_calls_have_a_limit_for_each_number_and_none_for_each_rep() -> None:
    order = replace(ORDER, automatic=True)
    many = History(today=Used(10_000))
    assert decide(order, WORLD, many, NOON) == Allowed()
    once = replace(many, attempts_today=1, attempts_this_week=1)
    assert "automatically or from a list once today, and the limit for one number is 1 a day" in refusal(
        decide(order, WORLD, once, NOON)
    )
    twice = replace(many, attempts_this_week=2)
    assert "twice within seven days, and the limit for one number is 2 a week" in refusal(
        decide(order, WORLD, twice, NOON)
    )
    assert decide(order, replace(WORLD, attempts_per_day=0, attempts_per_week=0), once, NOON) == Allowed()
    assert decide(replace(order, automatic=False), WORLD, replace(once, today=Used(1)), NOON) == Allowed()


def test_calls_from_lists_have_the_cap_of_their_rep_the_limit_of_their_number_and_the_question_of_the_hour() -> None:
    order = replace(ORDER, from_list=True)
    assert decide(order, WORLD, History(), NOON) == Allowed()
    once = decide(order, replace(WORLD, zone="Europe/Madrid"), History(attempts_today=1), NOON)
    assert "from a list once today, and the limit for one number is 1 a day" in refusal(once)
    assert isinstance(once, Refused)
    assert once.next_slot == datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert "the limit for one person" in refusal(decide(order, WORLD, History(today=Used(10_000)), NOON))
    night = NOON.replace(hour=1)
    assert isinstance(decide(order, WORLD, History(), night), NeedsConfirmation)
    assert decide(replace(order, confirmed=True), WORLD, History(), night) == Allowed()


def test_a_week_is_today_and_six_days_before() -> None:
    rules = replace(WORLD, zone="Asia/Jerusalem")
    assert week_start(rules, datetime(2026, 11, 18, 22, 30, tzinfo=UTC)) == datetime(2026, 11, 12, 22, tzinfo=UTC)


def test_windows_in_words() -> None:
    assert Window().words == "between 09:00 and 18:00, Monday to Friday"
    assert Window(weekdays=frozenset(range(7))).words == "between 09:00 and 18:00, every day"
    assert Window(weekdays=frozenset({6, 0})).words == "between 09:00 and 18:00, Monday, Sunday"
    assert Window(time(9), time(0)).words == "between 09:00 and 24:00, Monday to Friday"
    assert Window(time(0), time(0)).words == "at any hour, Monday to Friday"
    assert Window(end=time(0)).contains(datetime(2026, 11, 18, 23, 59))


def test_the_heavy_geocoder_stays_out() -> None:
    """It costs 101 MB; in a process of its own, because other tests may import what they like."""
    code = "import sys, bot.policy; print(any('geodata' in name or 'geocoder' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
