"""A page of the audit log, and its file, with whatever words outsiders send."""

import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit_search import Lines
from bot.cards.audit import PAGE, Reading, Turn, audit_csv, audit_message, export_comment, ids_in, search_words
from bot.store.audit import Line
from tests.card_examples import HOSTILE, NOW, NUMBER, PRETTY, REP, ZONE, action_ids, checked, users, words

BEN = "U0BEN00002"
READER = Reading(NOW, ZONE, {REP: "Ada", BEN: "Ben"})
CALL = "0195f3c8d4a1e07b1c2d3e"
COLUMNS = ["when (UTC)", f"when ({ZONE})", "who", "Slack id", "what", "to what", "details"]


def line(**changes: object) -> Line:
    plain = Line(7, NOW - 130, REP, "do-not-call add", NUMBER, "asked us to stop")
    return msgspec.structs.replace(plain, **changes)


EVERYTHING = Lines()


def page(*lines: Line, search: Lines = EVERYTHING, found: int = 0, newer: bool = False, older: bool = False) -> str:
    message = audit_message(lines, search, found or len(lines), READER, newer=newer, older=older, command="/callboard")
    return checked(message).text


def shown(**changes: object) -> list[str]:
    """What one line is on the page."""
    return page(line(**changes)).splitlines()[2:-2]


def test_who_when_what_to_what_and_why() -> None:
    assert shown() == [f"14:57 · <@{REP}>: do-not-call add · {PRETTY}", "asked us to stop"]
    assert shown(at=NOW - 86400, who="", what="forget", subject="3 calls", detail="") == [
        "Yesterday 15:00 · Callboard: forget · 3 calls"
    ]


@pytest.mark.parametrize(
    ("subject", "detail", "head", "below"),
    [
        ("Spring", f"for {REP}, {BEN}: 3 ready", "Spring", f"for <@{REP}>, <@{BEN}>: 3 ready"),
        ("", f"for <@{BEN}> {CALL}: no. Why: yes", "", f"for <@{BEN}>: no. Why: yes"),
        (NUMBER, f"voicenter {CALL} recorded: played", PRETTY, "voicenter recorded: played"),
        (NUMBER, CALL, PRETTY, ""),
        (NUMBER, f"{CALL} to @{BEN}", PRETTY, f"to <@{BEN}>"),
        (f"@{REP}", "every day at 18:00", f"<@{REP}>", "every day at 18:00"),
        ("Spring", "+12025550100 and 14", "Spring", f"{PRETTY} and 14"),
        ("W2026", "U0STRANGER9 said", "W2026", "U0STRANGER9 said"),
        ("USA", "UNCLEAR", "USA", "UNCLEAR"),
        ("CAMPAIGN26", "C0SALES0001", "CAMPAIGN26", "C0SALES0001"),
    ],
)
def test_ids_are_said_as_people_know_them(subject: str, detail: str, head: str, below: str) -> None:
    told = shown(subject=subject, detail=detail)
    assert told == [f"14:57 · <@{REP}>: do-not-call add{f' · {head}' if head else ''}", *filter(None, [below])]


def test_a_channel_is_said_by_its_name_where_a_line_is_about_one() -> None:
    for what in ("digest", "digest stop"):
        told = shown(what=what, subject="C0SALES", detail="every day at 18:00")
        assert told == [f"14:57 · <@{REP}>: {what} · <#C0SALES>", "every day at 18:00"]
    assert shown(what="digest", subject=f"@{REP}", detail="")[0].endswith(f": digest · <@{REP}>")
    assert shown(what="claim missed caller", detail="C0SALES")[1] == "<#C0SALES>"
    assert shown(what="assign missed caller", detail=f"to <@{BEN}>")[1] == f"to <@{BEN}>"


def test_a_long_text_is_cut_in_its_middle_and_the_reason_after_it_stays_whole() -> None:
    why = "She wrote on Monday that she wants to hear of the new price list; ticket 4711. " * 3
    why = why[:200].strip()
    on_the_list = "asked us never to call again, in a long letter " * 11
    refused = f"{PRETTY} is on the do-not-call list, put there by Ben on 2 February: {on_the_list}"
    (_, told) = shown(detail=f"for <@{BEN}> {CALL}: {refused}. Why: {why}")
    assert told.startswith(f"for <@{BEN}>: {PRETTY} is on the do-not-call list, put there")
    assert told.endswith(f" … Why: {why}")
    assert len(told) < 340
    (_, told) = shown(detail=f"for <@{BEN}> {CALL}: {refused}. Why: a new contract")
    assert "put there by Ben on 2 February: asked us never to call again, in a long letter asked" in told
    assert told.endswith(" … Why: a new contract")
    (_, told) = shown(detail=f"{on_the_list} Why: {on_the_list}")
    assert told.startswith("asked us never to call again, in a long letter")
    assert told.endswith("again, in a long letter")
    assert len(told) < 340
    (_, told) = shown(detail="x" * 5000)
    assert len(told) < 340
    (_, told) = shown(detail="y" * 310)
    assert told == "y" * 310, "nothing is cut that need not be"


def test_what_outsiders_send_is_harmless() -> None:
    (_, told) = shown(detail="<!channel> *bold* <https://evil.example|your bank>\n> quoted")
    assert told == "&lt;!channel&gt; ∗bold∗ &lt;https://evil.example|your bank&gt; &gt; quoted"


def test_buttons_say_where_they_go() -> None:
    found = [line(id=number, at=NOW - number) for number in range(1, PAGE + 1)]
    search = Lines(since=NOW - 9.25, by=REP, words=("campaign", NUMBER))
    message = checked(audit_message(found, search, 99, READER, newer=True, older=True, command="/callboard"))
    assert action_ids(message.blocks) == ["audit:newer", "audit:older", "audit:export"]
    (buttons,) = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    turns = [msgspec.json.decode(button["value"], type=Turn) for button in buttons]
    assert turns == [Turn(search, NOW - 1, 1, newer=True), Turn(search, NOW - PAGE, PAGE), Turn(search)]
    assert "99 lines" in message.text


def test_a_page_of_full_lines_is_all_in_the_text() -> None:
    full = [
        line(
            id=number,
            at=NOW - 400 * 86400,
            what="asked to be allowed a call",
            subject="The list of everybody who came to our stand in spring, and later",
            detail="word " * 200 + f"end-{number}",
        )
        for number in range(PAGE)
    ]
    search = Lines(since=NOW - 500 * 86400, until=NOW, by=REP, words=("word",) * 8)
    told = page(*full, search=search, found=12_345, newer=True, older=True)
    for number in range(PAGE):
        assert f"end-{number}" in told
    assert told.endswith("As of 15:00.")


@pytest.mark.parametrize(
    "detail",
    [
        "for " + ", ".join(f"U0SALES{number:04}" for number in range(40)),
        ", ".join(f"+120255501{number:02}" for number in range(40)),
        "Smith & Sons " * 40,
        "👍" * 400,
        "&" * 400,
    ],
)
def test_what_is_longer_as_it_is_said_leaves_room_in_the_text_as_well(detail: str) -> None:
    """People by mention, numbers as they are written, signs that are escaped: `text` still says all of the blocks."""
    reading = msgspec.structs.replace(READER, names={f"U0SALES{number:04}": "Sam" for number in range(40)})
    full = [
        line(id=number, at=NOW - 400 * 86400, subject="The list of all who came to our stand", detail=f"{detail} last")
        for number in range(PAGE)
    ]
    message = audit_message(full, EVERYTHING, 99, reading, newer=True, older=True, command="/callboard")
    assert checked(message).text.count(" last\n") == PAGE
    assert message.text.endswith("As of 15:00.")
    (_, told) = shown(detail=f"{detail} last")
    assert " … " in told


def test_nothing_found_says_what_to_type() -> None:
    assert "The audit log is empty." in page()
    told = page(search=Lines(words=("unicorn",)))
    assert "with “unicorn” in it" in told
    assert "No line fits. `/callboard audit` shows all" in told
    assert "Export" not in told
    assert "0 lines" not in told


def test_what_was_looked_for_is_said() -> None:
    assert search_words(EVERYTHING, READER) == "What everybody did"
    search = Lines(NOW - 86400 * 3, NOW, BEN, ("spring sale", NUMBER))
    assert search_words(search, READER) == (
        f"What <@{BEN}> did, with “spring sale” and {PRETTY} in it, 1 Mar 2026 to 4 Mar 2026"
    )


lines_of_log = st.builds(
    Line, id=st.integers(1, 10**9), at=st.floats(0, 4e9), who=users, what=words, subject=words, detail=words
)


@given(st.lists(lines_of_log, max_size=PAGE, unique_by=lambda found: found.id), st.lists(words, max_size=3))
def test_slack_takes_every_page(lines: list[Line], sought: list[str]) -> None:
    # As long as a search may be, and no more than Slack can send.
    search = Lines(words=tuple(word[:40].encode("utf-8", "replace").decode() for word in sought))
    message = checked(audit_message(lines, search, len(lines), READER, newer=True, older=True, command="/callboard"))
    assert "<!" not in message.text
    for block in message.blocks:
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            assert msgspec.json.decode(element["value"], type=Turn).search == search
    assert all(found[0] in "UW" for found in ids_in(lines))


# The file


def rows(*lines: Line) -> list[list[str]]:
    text, told = audit_csv(lines, ZONE, lambda user: {REP: "Ada", BEN: "=Ben"}.get(user, ""))
    assert told == len(lines)
    assert text.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))


def test_the_file_has_all_of_a_line() -> None:
    long = f"for {CALL}: " + "because " * 200
    heading, *found = rows(line(detail=long), line(who="", what="forget", subject="3 calls", detail=""))
    assert heading == COLUMNS
    assert found == [
        ["2026-03-04T13:57:50+00:00", "2026-03-04 14:57:50", "Ada", REP, "do-not-call add", PRETTY, long],
        ["2026-03-04T13:57:50+00:00", "2026-03-04 14:57:50", "Callboard", "", "forget", "3 calls", ""],
    ]


def test_people_have_their_names_in_the_file_before_their_ids() -> None:
    _, row = rows(line(subject=f"@{REP}", detail=f"for <@{REP}>, U0STRANGER9 and W2026: {NUMBER} C0SALES0001"))
    assert row[-2:] == [f"Ada ({REP})", f"for Ada ({REP}), U0STRANGER9 and W2026: {NUMBER} C0SALES0001"]


def test_no_cell_of_the_file_is_a_formula() -> None:
    _, row = rows(line(who=BEN, what="-1", subject="=HYPERLINK(1)", detail="@SUM(1)\n+2"))
    assert row[2:] == ["'=Ben", BEN, "'-1", "'=HYPERLINK(1)", "'@SUM(1)\n+2"]
    _, row = rows(line(subject=BEN, detail=f"<@{BEN}>"))
    assert row[5:] == [f"'=Ben ({BEN})"] * 2
    for hostile in HOSTILE:
        _, row = rows(line(detail=hostile))
        assert not row[-1].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_comment_says_how_many_and_whether_that_is_all() -> None:
    assert export_comment(EVERYTHING, READER, 1, 1) == "Audit log: What everybody did. One line."
    assert export_comment(EVERYTHING, READER, 1000, 1234) == (
        "Audit log: What everybody did. 1,000 lines. These are the newest of 1,234. "
        "Name a shorter period for the others."
    )
