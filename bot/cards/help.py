"""What each slash command takes, with examples. Pure.

Slack's tables cannot be drawn everywhere, so every form is a line of its own: the command, then what it does.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.cards import Message, header, message, paragraphs

FORMS: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = MappingProxyType(
    {
        "call": (
            "Rings your phone, then connects you.",
            (
                ("", "opens a form"),
                ("+1 202 555 0100", "calls a number, as people write it"),
                (
                    "+1 202 555 0100 ext 123",
                    "the same, and dials that extension once they answer, where the service can",
                ),
                ("@sam", "calls a colleague; their name does, too"),
                ("Dana Levi", "calls somebody from the contact book"),
                ("201", "calls an extension"),
                ("+1 202 555 0100 from +1 202 555 0199", "shows that line's number to them"),
                ("Dana Levi via gurulize", "goes through that phone service"),
                ("Dana Levi record max 30m", "records, and ends after 30 minutes, where the service can"),
                (
                    "Dana Levi via callgear scenario 55",
                    "lets that scenario of the service handle the call; “line”: the line's",
                ),
                ("Dana Levi note asks about the offer", "keeps a note on the call's card"),
                ("back", "calls back the latest missed caller"),
                ("again", "calls the last number again, after asking you"),
                (
                    "conference 4711 me, @sam, Dana Levi",
                    "calls each of them into that conference of the phone service, where it has some",
                ),
                ("next", "shows the contact of your call list whose turn it is"),
                ("help", "shows this"),
            ),
        ),
        "calls": (
            "The calls that are running, with everything you can do to them; and the log of all calls.",
            (
                ("", "shows your calls"),
                ("team", "shows everybody's calls (managers)"),
                ("waiting", "shows the incoming calls that ring or wait in a queue, the longest waiting first"),
                ("waiting Sales", "shows those of a line or queue"),
                ("log", "shows your latest calls, page by page, and brings them as a CSV file"),
                ("log yesterday", "searches a day or a period: “last week”, “2026-11-01..2026-11-15”, “2026-11-01..”"),
                ("log +1 202 555 0100", "searches a number, or a contact's name"),
                ("log missed this week line Sales", "searches missed calls of a line; “in” and “out” work, too"),
                ("log @sam last week", "searches a colleague's calls; their name does, too (managers)"),
                ("log team today", "searches everybody's calls (managers)"),
                ("log messages last month", "searches voice messages, which are no calls otherwise"),
                ("log fetch 2026-10-01..2026-10-15", "brings older calls from the phone service's own log (admins)"),
                ("log add", "opens a form: records a call that was made elsewhere; nobody is called"),
                ("log add Dana Levi", "the same, with whom"),
                ("help", "shows this"),
            ),
        ),
        "missed": (
            "Missed callers whom nobody has called back yet, with everything you can do about each.",
            (
                ("", "shows all, those that are nobody's first; managers give them to colleagues there"),
                ("mine", "shows those that you have claimed"),
                ("Sales", "shows those of a line"),
                ("help", "shows this"),
            ),
        ),
        "campaign": (
            "Campaigns that run at your phone service, and call lists for reps.",
            (
                ("", "shows all campaigns"),
                ("via voicenter", "shows those of one account; “via” works at the end of every form"),
                ("show Spring sale", "shows one campaign with everything you can do to it"),
                ("start Spring sale", "lets it dial, after asking you"),
                ("stop Spring sale", "stops it, after asking you"),
                ("add Spring sale", "opens a form for one call"),
                (
                    "add Spring sale +1 202 555 0100 name Dana Levi at 14:30 priority 5 city=Haifa",
                    "adds one call; “from” says which number they see, any word=value becomes a variable",
                ),
                ("update Spring sale +1 202 555 0100 priority 9", "changes a call that waits"),
                ("remove Spring sale +1 202 555 0100", "removes a call that waits"),
                ("upload Spring sale", "opens a form for a CSV file; one sent to Callboard does the same"),
                ("calllist", "shows the call lists, which reps work through one contact after the other"),
                ("calllist Autumn offers", "opens a form: makes a call list of your own"),
                ("calllist Autumn offers for @sam @dana", "the same, for colleagues (managers)"),
                ("approve", "shows the lists that wait for a second manager, for you to approve or refuse"),
                ("pending Spring sale", "shows the calls that wait, page by page"),
                ("clear Spring sale", "removes all calls that wait, after asking you"),
                ("members Spring sale", "shows who takes its calls"),
                ("members Spring sale add @sam", "lets a colleague, or an extension, take its calls"),
                ("members Spring sale remove 201", "takes a colleague or an extension off it"),
                ("strategy Spring sale", "opens a form: how it paces itself"),
                ("ivr Spring sale", "opens a form: calls at the same time, and who takes over"),
                ("results Spring sale", "counts what came of the calls that were added through Callboard"),
                ("help", "shows this"),
            ),
        ),
        "voicemsg": (
            "Plays a voice message to one or many people, never outside their calling hours.",
            (
                ("", "opens a form"),
                ('+1 202 555 0100 "Your order is ready"', "speaks a text to a number"),
                ("Dana Levi welcome", "plays the stored message “welcome” to a contact"),
                ('Dana Levi, +1 202 555 0100 template "Order ready"', "plays a stored message to several (managers)"),
                (
                    '@sam "Can you come?" keys words',
                    "tells which keys they press and what they answer, where the service can",
                ),
                ('Dana Levi "Hola" language es-ES voice female', "chooses language and voice"),
                (
                    "Dana Levi template code digits 4711 finally goodbye",
                    "reads digits out after it, then plays a stored sound; “looping”: again and again",
                ),
                (
                    "Dana Levi welcome ring 20s max 1m",
                    "rings 20 seconds at most, and ends after a minute, where the service can",
                ),
                ('Dana Levi "Hello" record', "records what is said, after the announcement, where the service can"),
                ("Dana Levi welcome via exolve from Sales", "chooses the phone service and the number that is shown"),
                ('Dana Levi "Until tomorrow" at tomorrow 09:00', "sends it later, by your clock"),
                ("scheduled", "shows what waits to be sent, and cancels it"),
                ("templates", "shows the stored messages"),
                ("templates show welcome", "shows one of them"),
                ("templates add", "stores a message, where the service can (managers)"),
                ("templates delete welcome", "deletes a stored message, after asking (managers)"),
                ("help", "shows this"),
            ),
        ),
        "recording": (
            "Records calls, and lets you listen afterwards.",
            (
                ("", "shows your latest recordings"),
                ("start", "records your running call; asks first what the other side must know"),
                ("stop", "stops recording your running call"),
                ("get", "brings you your latest recording, as a file or a link"),
                ("get +1 202 555 0100", "the latest recording with that number, or name"),
                ("list +1 202 555 0100", "shows the recordings with that number, or name, that you may hear"),
                ("list @sam", "shows a colleague's recordings; their name does, too (managers)"),
                ("policy", "shows the rules: who is recorded, who may listen, how long it is kept"),
                ("help", "shows this"),
            ),
        ),
        "phone": (
            "Your phone: what rings first when you call.",
            (
                ("", "opens a form with your phone and your line"),
                ("link +1 202 555 0100", "rings this number first"),
                ("link extension 201", "rings this extension first"),
                ("link +1 202 555 0100 extension 201", "rings the number; calls to the extension are shown as yours"),
                ("line Sales", "people see this line's number when you call"),
                ("extensions", "shows the extensions of your phone service: whose they are and who is on a call"),
                ("extensions Dana", "finds one by a part of its name, code or short number, or of who is signed in"),
                ("extensions all via voicenter", "shows also those of the accounts below yours there"),
                ("status", "shows whether you take calls, where the phone service keeps that"),
                ("status lunch", "sets it: available, signed out, or another of the service's own"),
                ("status as 12345", "says who you are there, once"),
                ("web", "opens your phone in the browser, where the service has one"),
                ("web login", "says by which user and password it signs in"),
                ("web forget", "forgets them"),
                ("show", "says what is linked"),
                ("unlink", "forgets your phone"),
                ("help", "shows this"),
            ),
        ),
        "contacts": (
            "The contact book: whose number it is, and a button that calls it.",
            (
                ("", "shows all contacts by name, page by page"),
                ("Noa", "finds contacts by a part of the name or company"),
                ("555 0100", "finds contacts by digits of the number"),
                ("add", "opens a form"),
                (
                    "add +1 202 555 0100 Noa Green, Green Gardens",
                    "adds a contact, or changes the name of one with that number",
                ),
                ("remove Noa Green", "removes a contact you added, after asking you (managers: any contact)"),
                ("import", "opens a form for a CSV file; you see what is in it first (managers)"),
                ("help", "shows this"),
            ),
        ),
        "digest": (
            "A summary of calls for this channel: what happened, and who still waits.",
            (
                ("", "shows what is posted here by itself"),
                ("list", "the same"),
                ("now", "shows today's figures so far"),
                ("daily 18:00 Europe/Madrid", "posts here every day at that time"),
                ("weekly fri 17:00 Europe/Madrid", "posts here once a week"),
                ("stop", "stops posting here"),
                ("help", "shows this"),
            ),
        ),
        "callboard": (
            "The state of everything.",
            (
                ("", "shows what works and what does not"),
                ("services", "says what each phone service can do"),
                ("setup", "says what is still to be set up, step by step"),
                ("policy", "shows the rules for calling"),
                ("dnc", "shows the do-not-call list"),
                ("dnc +1 202 555 0100", "says whether a number is on it, and why"),
                ("dnc add +1 202 555 0100 asked us to stop", "puts a number on it at once, with the reason"),
                ("dnc remove +1 202 555 0100", "takes a number off it (managers)"),
                ("registry", "shows the do-not-call registries that were imported, and how old they are"),
                ("registry import", "opens a form for a copy of one (admins)"),
                ("registry remove US", "takes one away (admins)"),
                ("consent +1 202 555 0100", "shows whether somebody agreed to be called"),
                (
                    "consent add +1 202 555 0100 order form 2026-03-01",
                    "writes down that they did, since when and from where that is known (managers)",
                ),
                ("consent import", "opens a form for many, as a CSV file (managers)"),
                ("consent remove +1 202 555 0100", "they agree no more"),
                ("audit", "shows who did what, the latest first (admins)"),
                (
                    "audit 2026-11-01..2026-11-15 @sam campaign",
                    "finds it by days, by who did it and by words, also as a CSV file (admins)",
                ),
                ("hooks", "shows the addresses to paste at your phone services (admins)"),
                ("help", "shows this"),
            ),
        ),
    }
)
"""Command -> (what it is for, its forms as (what follows the command, what that does))."""


def overview(names: Mapping[str, str]) -> str:
    """What each command is for. `names`: as in `help_message()`."""
    lines = [f"• `{names.get(command, f'/{command}')}`: {purpose}" for command, (purpose, _) in FORMS.items()]
    more = f"`{names.get('call', '/call')} help`, or another of them with `help` behind it, shows all that it takes."
    return "\n".join(["I understand slash commands, typed in any channel or here:", *lines, more])


def help_message(command: str, names: Mapping[str, str]) -> Message:
    """Every form of a command with an example.

    `command`: one of `FORMS`. `names`: command -> its name in this workspace, such as {"call": "/cb-call"}.
    """
    purpose, forms = FORMS[command]
    name = names.get(command, f"/{command}")
    lines = [purpose, *(f"• `{f'{name} {words}'.strip()}`: {what}" for words, what in forms)]
    lines.append("Slash commands do not work inside threads; use the buttons there.")
    return message([header(name, "help:title"), *paragraphs(lines, "help:forms")])
