"""What can be configured, as it stands after `bot/settings_reader.py` has read and checked it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bot import consent, decide, numbers
from bot.places import DEFAULTS, Place
from bot.rules import AskFirst

Pace = Literal["", "hourly", "daily"]
"""How often one message tells of a line's calls; "" = each has its own."""
Hours = tuple[str, str]
"""From when to when, "HH:MM" by the wall clock; the second is of the next day unless it is later than the first."""

REGISTRY_DAYS: Mapping[str, int] = {"US": 31, "IL": 15}
"""How old a copy of a do-not-call registry may be by law. USA: 16 CFR 310.4(b)(3)(iv); Israel: Consumer Protection Law,
amendment 61."""

COMMANDS = (
    "call", "calls", "missed", "recording", "campaign", "voicemsg", "phone", "contacts", "digest", "callboard",
)  # fmt: skip
"""Our slash commands, as they are called unless `[commands]` renames them."""

_COMMAND = re.compile(rf"`/({'|'.join(COMMANDS)})\b")


@dataclass(frozen=True)
class Line:
    """One of our own numbers (DIDs).

    Attributes:
        number: E.164.  label: for people.  account: where it lives.  channel: where its calls are shown.
        summary: post a CDR summary of each finished outgoing call.  mask: hide most digits of outside numbers there.
        incoming: show its incoming calls there as they come, not only those that were missed.
        missed: whoever is not answered on it is a missed caller.
        roundup: one message an hour, or a day, tells of its calls; "" = each has its own.
        quiet: from when to when nothing of it is posted, "HH:MM" of the installation's time zone; () = never.
        call: options that every call with it shall have, as in `CallOrder`.
    """

    number: str
    label: str = ""
    account: str = ""
    channel: str = ""
    summary: bool = True
    mask: bool = False
    incoming: bool = True
    missed: bool = True
    roundup: Pace = ""
    quiet: Hours | tuple[()] = ()
    call: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """One configured provider.

    Attributes:
        values: its settings by name, secrets included: never print this.
        addresses: source addresses its webhooks may come from, empty = any.
        call: options that every call of it shall have, as in `CallOrder`.  message: the same of voice messages, as in
            `MessageOrder`.
    """

    name: str
    provider: str
    values: Mapping[str, str] = field(repr=False)
    addresses: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicySettings:
    """Figures of the policy; each is explained in docs/settings.md.

    Attributes:
        countries: ISO 3166 codes that may be called.  hours: opening and closing, "HH:MM", callee's local time.
        weekdays: 0 = Monday.  callers: Slack users who may call, empty = all members.
        guests: Slack users from outside who may use Callboard like members.
        daily_calls, daily_minutes: per rep; team_daily_calls, team_daily_minutes: of all together; 0 = no cap.
        night_calls, night_calls_at_once: per rep, while the team is not at work; 0 = no lower cap.
        attempts_per_day, attempts_per_week: automatic calls and calls from lists to one number, 0 = no limit.
        approve_over: lists that call more people than this need a second manager's word; 0 = none does.
        ask_first: of `rules.ASK_FIRST`.
        abandoned_percent: so many of a campaign's calls that are picked up may meet nobody; 0 = nobody watches.
        abandoned_days: in how many days they are counted.  abandoned_stops: with more, the campaign is stopped.
        places: name of a place -> stricter rules there.
        registry_days: country -> how many days old a copy of its do-not-call registry may be; 0 = as old as you like.
        ring_at_least: seconds that a phone rings that is called by a voice message or from a list; 0 = as few as asked.
    """

    countries: tuple[str, ...]
    hours: tuple[str, str] = ("09:00", "18:00")
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    daily_calls: int = 200
    daily_minutes: int = 0
    team_daily_calls: int = 0
    team_daily_minutes: int = 0
    calls_at_once: int = 12
    night_calls: int = 20
    night_calls_at_once: int = 4
    callers: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    attempts_per_day: int = 1
    attempts_per_week: int = 2
    approve_over: int = 0
    ask_first: tuple[AskFirst, ...] = ()
    ring_at_least: int = 15
    abandoned_percent: float = 2.5
    abandoned_days: int = 30
    abandoned_stops: bool = True
    places: Mapping[str, Place] = field(default_factory=lambda: dict(DEFAULTS))
    registry_days: Mapping[str, int] = field(default_factory=lambda: dict(REGISTRY_DAYS))


@dataclass(frozen=True)
class MessageSettings:
    """Limits of voice messages; each is explained in docs/settings.md.

    Attributes:
        most: recipients of one batch.  reps: of those, how many a rep may send to without being a manager.
        reps_daily: messages that such a rep may send in a day; 0 = no limit.
        confirm_over: more recipients than this are shown first and sent when somebody presses *Send*.
        at_once: messages that run at the same moment, per account.
        stop_key: whoever presses it during a message comes onto the do-not-call list; "" = none does.
        consent: country -> people there must have agreed to voice messages, and for how many days that holds, 0 = until
            they withdraw it.
        stop_words: whoever says one of these, where a message listens for words, likewise.
    """

    most: int = 200
    reps: int = 1
    reps_daily: int = 200
    confirm_over: int = 1
    at_once: int = 3
    stop_key: str = ""
    stop_words: tuple[str, ...] = ()
    consent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Retention:
    """After how many days something goes by itself; 0 = never.

    Attributes:
        calls_days: calls with all that hangs on them, voice messages, lists of calls, notices.
        audit_days: lines of the audit log.
    """

    calls_days: int = 0
    audit_days: int = 0


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured. Secrets are not in `repr`.

    Attributes:
        old_hook_secret: taken beside `hook_secret` while addresses are being changed, "" = none.
        brief_seconds: whoever hangs up sooner is no missed caller; 0 = everybody is one.
        dispositions: how a call may have gone.  stop_disposition: that of them with which somebody is put on the
            do-not-call list, "" = none is.
        claim_minutes: until whoever claimed a missed caller is reminded, and as many until the managers are; 0 = never.
        roundup, quiet: as in `Line`, of calls of no line that is listed; a line that says nothing has them, too.
    """

    data: Path
    region: str
    zone: str
    mode: Literal["socket", "http"]
    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    slack_api: str
    host: str
    port: int
    public_url: str
    hook_secret: str = field(repr=False)
    accounts: tuple[Account, ...]
    lines: tuple[Line, ...]
    channel: str
    admins: tuple[str, ...]
    managers: tuple[str, ...]
    policy: PolicySettings
    escalate_minutes: int
    summaries: bool
    mask: bool
    dispositions: tuple[str, ...]
    stop_disposition: str
    contact_url: str
    lookup_url: str
    lookup_token: str = field(repr=False)
    commands: Mapping[str, str]
    old_hook_secret: str = field(default="", repr=False)
    flows: tuple[decide.Flow, ...] = ()
    slack_calls: bool = False
    messages: MessageSettings = field(default_factory=MessageSettings)
    recording: consent.Recording = field(default_factory=consent.Recording)
    retention: Retention = Retention()
    brief_seconds: int = 0
    claim_minutes: int = 60
    digest_picture: bool = True
    roundup: Pace = ""
    quiet: Hours | tuple[()] = ()

    def renamed(self, text: str) -> str:
        """The text with our commands, written as `/call …`, under the names that they have in this workspace."""
        return _COMMAND.sub(lambda found: f"`{self.commands.get(found[1], f'/{found[1]}')}", text)

    def role(self, user: str) -> Literal["rep", "manager", "admin"]:
        """A Slack user's role; an admin may do all a manager may."""
        if user in self.admins:
            return "admin"
        return "manager" if user in self.managers else "rep"

    @property
    def channels(self) -> frozenset[str]:
        """Slack ids of all channels in which calls are shown."""
        return frozenset({self.channel, *(line.channel for line in self.lines)} - {""})

    def line(self, number: str) -> Line | None:
        """Our line with that E.164 number."""
        return next((line for line in self.lines if line.number == number), None)

    def call_options(self, account: str, line: str) -> dict[str, Any]:
        """Options that every call of the account with that line (E.164, "" = none) shall have: the line's go before."""
        found: dict[str, Any] = {}
        for one in self.accounts:
            found |= one.call if one.name == account else {}
        own = self.line(line) if line else None
        return found | dict(own.call) if own else found

    def message_options(self, account: str) -> Mapping[str, Any]:
        """Options that every voice message of the account shall have."""
        return next((one.message for one in self.accounts if one.name == account), {})

    def label(self, number: str) -> str:
        """A line's name where it has one: people know "Sales", not its number."""
        line = self.line(number)
        return (line.label if line else "") or number

    @property
    def line_names(self) -> str:
        """What people call all lines, for a sentence; "" = there are none."""
        return ", ".join(line.label or numbers.pretty(line.number) for line in self.lines)

    @property
    def own_url(self) -> str:
        """Where this computer reaches our web server, also where it listens on every address."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # not bound here
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where everybody reaches our web server; only this computer does where there is no public address."""
        return self.public_url or self.own_url

    def hook_url(self, account: str, path: str = "") -> str:
        """The address to paste at a provider. Holds the hook secret: show it to admins only."""
        return "/".join(part for part in (self.base_url, "hooks", account, self.hook_secret, path) if part)
