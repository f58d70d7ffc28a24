"""The form for a copy of a do-not-call registry, and that for people who agreed to be called. Pure."""

from collections.abc import Sequence

from bot.cards import Block, section
from bot.cards.forms import any_input, form, select_input, table_inputs, text_input


def registry_form(countries: Sequence[str], today: str, private_metadata: str, *, sent: bool) -> Block:
    """A copy of a registry; callback_id `registry:table`. Blocks: name, country, day; file, rows where none was sent.

    `countries`: ISO 3166.  `today`: ISO.
    """
    words = (
        "A number in each line, or in the first column that has one; as text, CSV or ZIP. It takes the place of the "
        "copy of the same name. This form takes 10 MB; send a larger file to Callboard, as a message."
    )
    blocks = [
        section(words, "about"),
        text_input(
            "name", "Name", {}, length=40, placeholder="US", hint="Parts of a registry have a name each, like US 202."
        ),
        select_input("country", "Country", [(code, code) for code in countries], {"country": countries[0]}),
        any_input(
            "day",
            "Of which day",
            {"type": "datepicker", "initial_date": today},
            hint="When the registry made this copy, for it may not be too old.",
        ),
        *([] if sent else table_inputs("2025550100", packed=True)),
    ]
    return form("Import a registry", blocks, "registry:table", private_metadata, submit="Read")


def consent_form(private_metadata: str) -> Block:
    """People who agreed; callback_id `consent:table`. Blocks: file, rows, day, source."""
    words = (
        "The first line names the columns: *number*, and if you like *name*, *date* (2026-03-04) and *source*; others "
        "are not read. At most 10 MB and 20,000 rows."
    )
    blocks = [
        section(words, "about"),
        *table_inputs("number, date, source"),
        any_input(
            "day",
            "They agreed on",
            {"type": "datepicker"},
            optional=True,
            hint="For rows that name no date.",
        ),
        text_input(
            "source", "From where that is known", {}, optional=True, length=100, placeholder="Order form on our website"
        ),
    ]
    return form("Import consents", blocks, "consent:table", private_metadata, submit="Import")
