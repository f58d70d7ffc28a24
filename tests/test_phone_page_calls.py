"""The web phone's page over HTTP: what becomes of what it tells, and what it dials."""

from pathlib import Path

import pytest

from bot import phone_page
from bot.errors import Unavailable
from bot.events import REP, Accepted, Outcome, State
from bot.store import ledger, people, web_phones
from tests.browser import (
    CALLER,
    EXTENSION,
    REF,
    Browserphone,
    Page,
    browser,
    browserdesk,
    open_page,
    page,
    rings,
    set_up,
)
from tests.fake_slack import FakeSlack
from tests.full_disk import fill
from tests.office import SETTINGS, office
from tests.slack_state import Clock

__all__ = ["browserdesk", "page"]  # fixtures


# What it tells.


async def test_problems_are_told_to_the_person_once_per_page(page: Page) -> None:
    await page.tell("registered")
    assert page.desk.conversation("U1") == []
    for what in ("register_failed", "register_failed", "initiate_failed", "disconnected", "registered"):
        await page.tell(what)
    texts = [message.text for message in page.desk.conversation("U1")]
    assert len(texts) == 3
    assert "could not sign in" in texts[0]
    assert all("`/phone web`" in text for text in texts)
    assert await page.desk.calls() == []


async def test_a_report_never_makes_a_call(page: Page) -> None:
    for what in ("ringing", "calling", "answered", "ended", "failed", "rejected"):
        assert await page.tell(what, REF) == {"party": ""}
    assert await page.desk.calls() == []
    assert page.desk.slack.channel("C1") == []
    assert page.phone.asked == 2, "asked which call it is, when it rings"


async def test_reports_of_a_known_call_are_its_events(page: Page) -> None:
    await page.desk.contact(CALLER, "Noa Green")
    await page.desk.happen(*rings())
    assert await page.tell("ringing", REF) == {"party": "Noa Green, +1 202-555-0155"}
    await page.tell("answered", REF)
    assert (await page.call()).state is State.TALKING
    await page.tell("ended", REF)
    call = await page.call()
    assert (call.state, call.outcome, call.rep) == (State.ENDED, Outcome.ANSWERED, "U1")
    assert page.phone.asked == 0


async def test_a_page_that_a_guest_has_open_yet_tells_them_of_nobody(page: Page) -> None:
    """Nor does what it reports change a call."""
    await page.desk.happen(*rings())
    page.desk.board.outsiders.add("U1")
    answer = await page.ask("report", {"what": "answered", "ref": REF})
    assert answer.status_code == 403
    assert "155" not in answer.text
    assert (await page.call()).state is State.RINGING


async def test_ringing_is_a_hint_on_which_the_service_is_asked(page: Page) -> None:
    page.phone.events = rings()
    assert await page.tell("ringing", REF) == {"party": "+1 202-555-0155"}
    call = await page.call()
    assert (call.direction, call.number, len(call.legs)) == ("in", CALLER, 1)
    await page.desk.happen(*rings())  # the pop-up comes, too
    await page.tell("ringing", REF)
    assert len(await page.desk.calls()) == 1
    assert page.phone.asked == 1


async def test_reports_wait_for_their_call_also_through_a_restart(page: Page) -> None:
    page.phone.answer = Unavailable("not now")
    await page.tell("ringing", REF)
    await page.tell("answered", REF)
    assert await page.desk.calls() == []
    assert await page.desk.board.read(web_phones.waiting) == [("voicenter", REF)]
    await page.desk.happen(*rings())
    assert (await page.call()).state is State.RINGING
    await phone_page.catch_up(page.desk.board)
    assert (await page.call()).state is State.TALKING
    assert await page.desk.board.read(web_phones.waiting) == []


async def test_reports_of_a_call_that_nobody_else_tells_of_are_dropped_after_an_hour(page: Page) -> None:
    await page.tell("ended", REF)
    page.desk.clock.advance(web_phones.LATEST_SECONDS + 1)
    await phone_page.catch_up(page.desk.board)
    assert await page.desk.board.read(web_phones.waiting) == []
    assert await page.desk.calls() == []


async def test_the_same_report_twice_changes_nothing(page: Page) -> None:
    await page.desk.happen(*rings())
    for what in ("ringing", "answered", "answered", "ended", "ended", "ringing"):
        await page.tell(what, REF)
    first = await page.call()
    for what in ("ended", "answered"):
        await page.tell(what, REF)
    assert await page.call() == first


async def test_a_report_is_on_disk_when_it_is_answered(page: Page) -> None:
    await page.desk.board.db.write(lambda db: db.execute("DROP TABLE web_phone_reports"))
    answer = await page.ask("report", {"what": "ringing", "ref": REF})
    assert answer.status_code == 503
    assert "could not be written down. Something went wrong in Callboard (incident " in answer.json()["words"]


# What it dials.


async def test_a_full_disk_is_told_as_everywhere_and_nothing_is_dialled(page: Page) -> None:
    await fill(page.desk)
    answer = await page.dial(f"+1 202 555 0101 note {'x' * 5000}")
    assert answer.status_code == 503
    assert answer.json()["words"] == (
        "Nothing was done: it could not be written down. Callboard's disk does not work (database or disk is full). "
        "Your admin has to see to it; try again then."
    )
    assert page.phone.orders == []


async def test_a_dial_goes_through_the_gate_and_is_on_record(page: Page) -> None:
    answer = await page.dial("+1 202 555 0101")
    assert answer.status_code == 200
    assert answer.json() == {"words": "Calling +1 202-555-0101; your phone rings first.", "refs": ["paper-1"]}
    (order,) = page.phone.orders
    assert (order.rep.kind, order.rep.value, order.number) == ("extension", EXTENSION, "+12025550101")
    assert any("Calling" in m.text or "Ringing" in m.text for m in page.desk.conversation("U1"))
    await page.tell("ringing", "paper-1")
    await page.tell("answered", "paper-1")
    call = await page.call()
    assert (call.state, [leg.name for leg in call.legs]) == (State.CONNECTING, [REP])
    await page.tell("rejected", "paper-1")
    assert len(await page.desk.calls()) == 1


async def test_one_press_is_one_dial(page: Page) -> None:
    first = await page.dial("+1 202 555 0101")
    again = await page.dial("+1 202 555 0101")
    assert (first.status_code, again.status_code) == (200, 409)
    other = await page.dial("+1 202 555 0101", "another-press")
    assert "already calling" in other.json()["words"]
    assert len(page.phone.orders) == 1


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("911", "emergency"),
        ("+7 495 123 45 67", "countr"),
        ("nobody known", "No contact is called"),
        ("", "whom to call"),
    ],
)
async def test_the_policy_comes_first(page: Page, who: str, words: str) -> None:
    answer = await page.dial(who)
    assert answer.status_code == 409
    assert words.casefold() in answer.json()["words"].casefold()
    assert "`" not in answer.json()["words"]
    assert page.phone.orders == []
    assert await page.desk.board.read(ledger.open_intents) == []


async def test_a_call_too_many_is_refused(page: Page) -> None:
    object.__setattr__(page.desk.board.settings.policy, "daily_calls", 1)
    assert (await page.dial("+1 202 555 0101")).status_code == 200
    answer = await page.dial("+1 202 555 0102", "another-press")
    assert answer.status_code == 409
    assert "the limit for one person is 1 a day" in answer.json()["words"]
    assert len(page.phone.orders) == 1


async def test_do_not_call_names_who_wrote_it_in_plain_words(page: Page) -> None:
    await page.desk.board.write(people.block, "+12025550101", "asked us to stop", "U2", 0.0)
    words = (await page.dial("+1 202 555 0101")).json()["words"]
    assert "asked us to stop" in words
    assert "<@" not in words
    assert "if you say why" not in words, "the page has no place for it"
    assert words.endswith("Or type /call in Slack, where a manager may allow this one call.")


async def test_outside_their_hours_the_page_asks_first(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('"00:00", "24:00"', '"00:00", "00:01"')
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Browserphone) as desk:
        secret = await set_up(desk)
        async with browser(desk) as page:
            await page.ask("open", {"ticket": secret})
            answer = await page.dial("+1 202 555 0101")
            assert answer.json()["ask"].endswith("Call anyway?")
            assert (answer.json()["of"], answer.json()["yes"]) == ("confirmed", "Call all the same")
            assert page.phone.orders == []
            answer = await page.dial("+1 202 555 0101", "yes-all-the-same", confirmed=True)
            assert answer.json()["refs"] == ["paper-1"]


async def test_a_recorded_call_is_asked_about_and_a_yes_to_that_is_none_to_the_hour(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('"00:00", "24:00"', '"00:00", "00:01"') + '[recording]\ncountries = { US = "ask" }\n'
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Browserphone) as desk, open_page(desk) as page:
        asked = (await page.dial("+1 202 555 0101 record", "first-press")).json()
        assert (asked["of"], asked["yes"]) == ("consented", "They agreed")
        asked = (await page.dial("+1 202 555 0101 record", "second-press", consented=True)).json()
        assert (asked["of"], asked["ask"].endswith("Call anyway?")) == ("confirmed", True)
        assert page.phone.orders == []
        await page.dial("+1 202 555 0101 record", "third-press", consented=True, confirmed=True)
        assert [order.record for order in page.phone.orders] == [True]


async def test_a_refusal_of_the_service_is_told_in_its_words(page: Page) -> None:
    page.phone.answer = Unavailable("Paperphone could not be reached, so nothing was done. Try again.")
    answer = await page.dial("+1 202 555 0101")
    assert answer.json()["words"].startswith("Paperphone could not be reached")
    assert answer.json()["refs"] == []


async def test_a_ring_that_overtakes_the_answer_to_our_order_is_one_call(page: Page) -> None:
    """The page rings before click-to-call has answered; nothing of it may look like a stranger's call."""

    async def slow(order: object) -> Accepted:
        assert (await page.ask("report", {"what": "ringing", "ref": "paper-9"})).status_code == 200
        return Accepted(ref="paper-9", at=page.desk.clock())

    page.phone.place_call = slow  # type: ignore[method-assign]
    answer = await page.dial("+1 202 555 0101")
    assert answer.json()["refs"] == ["paper-9"]
    await phone_page.catch_up(page.desk.board)
    call = await page.call()
    assert (call.state, call.rep, [leg.name for leg in call.legs]) == (State.RINGING, "U1", [REP])
    assert page.desk.slack.channel("C1") == []
