"""The policy's rules, the call that is proposed, what is on record about it, and the three answers. Pure.

`bot/policy.py` and `bot/limits.py` answer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
import phonenumbers

from bot import places
from bot.errors import SettingsError
from bot.places import Place
from bot.window import Window, find_zone

Role = Literal["rep", "manager", "admin"]
AskFirst = Literal["foreign", "new"]
"""A number of another country than the team's; one that is in no call on record, and nobody's we know."""
ASK_FIRST: tuple[AskFirst, ...] = ("foreign", "new")
_CAPS = (
    *("daily_calls", "daily_minutes", "team_daily_calls", "team_daily_minutes"),
    *("calls_at_once", "night_calls", "night_calls_at_once"),
)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The policy's settings.

    Attributes:
        region: ISO 3166 code of the team's own country; what a number without a prefix belongs to.
        countries: ISO 3166 codes that may be called; empty = only `region`.
        window: the callee's local hours; outside of them a person is asked first. By the clock of `zone` it is when the
            team works.
        daily_calls, team_daily_calls: calls that one rep, and all together, may place in a day of `zone`, those in
            flight included; 0 = no limit.
        daily_minutes, team_daily_minutes: the same of time talked in them.
        calls_at_once: calls of one rep that may be under way at the same moment; 0 = no limit.
        night_calls, night_calls_at_once: the same of one rep while the team is not at work (`limits.night()`), where
            that is less; 0 = no lower limit.
        attempts_per_day, attempts_per_week: automatic calls and calls from lists to one number, by days of `zone`;
            0 = no limit.
        ask_first: what a person is asked about before it is dialled by hand.
        places: name of a place -> stricter rules there, see `bot/places.py`.
        registry_days: ISO 3166 -> how many days old a copy of that country's do-not-call registry may be; what is not
            there is never too old.
        consent_days: ISO 3166 -> people there are sent voice messages only if they have agreed, and how many days
            that holds; 0 = until they withdraw it.
        roles: who may call at all.
        zone: IANA name of the team's time zone; its midnight starts a new day for the daily cap.

    Raises:
        SettingsError: a value that can never be met; names the setting.
    """

    region: str
    countries: frozenset[str] = frozenset()
    window: Window = msgspec.field(default_factory=Window)
    daily_calls: int = 200
    daily_minutes: int = 0
    team_daily_calls: int = 0
    team_daily_minutes: int = 0
    calls_at_once: int = 12
    night_calls: int = 20
    night_calls_at_once: int = 4
    attempts_per_day: int = 1
    attempts_per_week: int = 2
    ask_first: frozenset[AskFirst] = frozenset()
    places: Mapping[str, Place] = {}
    registry_days: Mapping[str, int] = {}
    consent_days: Mapping[str, int] = {}
    roles: frozenset[Role] = frozenset({"rep", "manager", "admin"})
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for code in sorted(self.countries | {self.region}):
            if code not in phonenumbers.SUPPORTED_REGIONS:
                raise SettingsError(
                    f"“{code}” in the policy's region or countries is not a country code. "
                    "Write two capital letters (ISO 3166), like US or GB."
                )
        for cap in _CAPS:
            if getattr(self, cap) < 0:
                raise SettingsError(f"The policy's {cap} is below zero. Write a number, like 200, or 0 for no limit.")
        if find_zone(self.zone) is None:
            raise SettingsError(f"The policy's zone “{self.zone}” is unknown. Write one like Europe/Madrid.")

    def window_of(self, number: str) -> Window:
        """When that number (E.164) may be called, by its own clock."""
        return places.window(self.window, number, self.places)

    @property
    def allowed_countries(self) -> frozenset[str]:
        """ISO 3166 codes that may be called."""
        return self.countries or frozenset({self.region})


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A call somebody wants to place by hand, or that is to be placed automatically.

    Attributes:
        rep: Slack user id.  role: the highest role the rep has.
        number: E.164, or an own extension (then `extension` is True).
        own_number: what would ring first at the rep's, "" = unknown.
        linked: a colleague has linked that extension, so it is one.
        typed: what the person typed, "" = it came from a button or the contact book.
        country: ISO 3166, "" = worked out from the number.
        confirmed: the person was asked (`NeedsConfirmation`) and said yes.
        automatic: something is played to whoever picks up; `rep` is who ordered that.
        from_list: the rep works through a calling list.
        waived: a manager allows this one call and has said why; what then counts no more is in `Refused.waivable`.
        waived_at: as of when they knew what forbids it, seconds since 1970 UTC.
    """

    rep: str
    role: Role
    number: str
    own_number: str = ""
    extension: bool = False
    linked: bool = False
    typed: str = ""
    country: str = ""
    confirmed: bool = False
    automatic: bool = False
    from_list: bool = False
    waived: bool = False
    waived_at: float = 0


class DoNotCall(msgspec.Struct, frozen=True):
    """An entry of the do-not-call list. `by`: a name for people. `at`: seconds since 1970 UTC."""

    reason: str
    by: str
    at: float


class Used(msgspec.Struct, frozen=True):
    """Calls that were placed since `day_start()`, those in flight included, and whole minutes talked in them."""

    calls: int = 0
    minutes: int = 0


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record about this number, this rep and all of them.

    Attributes:
        do_not_call: the number's entry in the do-not-call list, None = not listed.
        today: by this rep.  team_today: by all together.  under_way: calls of this rep that nobody has said are over.
        tonight: calls of this rep since the start of `limits.night()`, where it is night.
        attempts_today, attempts_this_week: automatic calls and calls from lists to this number since `day_start()`, and
            in the seven days that end with this one; only those that may have rung.
        called_lately: calls to this number within 24 hours that may have rung, whoever placed them.
        unanswered_today, unanswered_this_week: those of them since `day_start()`, and in seven days, that are over and
            nobody answered. All three are counted where a rule of its place asks, and they have not called us of late.
        registered: the do-not-call registry that the number is in, by its name; "" = none that we have a copy of.
        outdated: what is too old to tell, a clause; "" = nothing.
        agreed_at: when they agreed to be called all the same, seconds since 1970 UTC; None = not on record.
        called_us: they have called of late.
        known: the number is in a call on record, or somebody's we know; asked for where `Rules.ask_first` has "new".
    """

    do_not_call: DoNotCall | None = None
    today: Used = Used()
    team_today: Used = Used()
    under_way: int = 0
    tonight: int = 0
    attempts_today: int = 0
    attempts_this_week: int = 0
    called_lately: int = 0
    unanswered_today: int = 0
    unanswered_this_week: int = 0
    registered: str = ""
    outdated: str = ""
    agreed_at: float | None = None
    called_us: bool = False
    known: bool = True


class Allowed(msgspec.Struct, frozen=True):
    """Dial."""


class NeedsConfirmation(msgspec.Struct, frozen=True):
    """Ask first; dial when the person says yes.

    Attributes:
        why: full sentences.  next_slot: the next moment that would need no asking, None = there is none soon.
    """

    why: str
    next_slot: datetime | None = None


class Refused(msgspec.Struct, frozen=True):
    """Do not dial.

    Attributes:
        why, next_step: full sentences.  next_slot: when it would be allowed, None = waiting does not help.
        waivable: a manager may allow it for one call that somebody places by hand.
        told: what is in `why`, as somebody else is told it; "" = in the same words.
        costly: because of the number's price or country.  cap: which limit is used up, "" = none is.
        used: how much was used of it.
    """

    why: str
    next_step: str
    next_slot: datetime | None = None
    waivable: bool = False
    told: str = ""
    costly: bool = False
    cap: str = ""
    used: int = 0

    @property
    def words(self) -> str:
        """Both sentences, for a person."""
        return f"{self.why} {self.next_step}"


Decision = Allowed | NeedsConfirmation | Refused
