"""The sections of `callboard.toml` that stand alone: what may be called, sent, recorded, kept."""

import re
from dataclasses import fields
from typing import Any

import phonenumbers

from bot import consent, numbers
from bot.call_options import LONGEST_RING
from bot.places import AREA_CODES, DEFAULTS, Place
from bot.rules import ASK_FIRST
from bot.settings import COMMANDS, REGISTRY_DAYS, MessageSettings, PolicySettings, Retention, Settings
from bot.settings_values import Values

LEAST_DAYS = 35
"""What `/call again`, weekly digests and limits look back on is kept."""


class Sections(Values):
    """Reads one section after the other."""

    def policy(self, region: str, zone: str) -> PolicySettings:
        """[policy]. `zone`: the team's, IANA."""
        table = self.sub("policy")
        # As long as nobody has said where the office is, an afternoon there may be the night of UTC.
        night_calls, at_once = (20, 4) if zone != "UTC" else (0, 0)
        countries = tuple(c.upper() for c in self.strings("policy.countries", table.pop("countries", [region])))
        for country in countries:
            if country not in phonenumbers.SUPPORTED_REGIONS:
                words = numbers.MISTAKEN.get(country, "Use two letters, like “IL”.")
                self.errors.append(f"policy.countries: “{country}” is not a country code. {words}")
        hours = self.hours("policy.hours", table.pop("hours", ["09:00", "18:00"])) or ("09:00", "18:00")
        names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        days = self.strings("policy.weekdays", table.pop("weekdays", ["mon", "tue", "wed", "thu", "fri"]))
        if not days or any(day not in names for day in days):
            self.errors.append(f"policy.weekdays must have one or more of: {', '.join(names)}.")
            days = names[:5]
        callers = self.users("policy.callers", table.pop("callers", []))
        guests = self.users("policy.guests", table.pop("guests", []))
        ask_first = self.strings("policy.ask_first", table.pop("ask_first", []))
        if any(kind not in ASK_FIRST for kind in ask_first):
            self.errors.append(f'policy.ask_first may have {" and ".join(ASK_FIRST)}, like ["{ASK_FIRST[0]}"].')
        return PolicySettings(
            countries=countries,
            ask_first=tuple(kind for kind in ASK_FIRST if kind in ask_first),
            hours=hours,
            weekdays=tuple(names.index(day) for day in days),
            callers=callers,
            guests=guests,
            attempts_per_day=self.number(table, "policy.attempts_per_day", "attempts_per_day", 1),
            attempts_per_week=self.number(table, "policy.attempts_per_week", "attempts_per_week", 2),
            approve_over=self.number(table, "policy.approve_over", "approve_over", 0),
            daily_minutes=self.number(table, "policy.daily_minutes", "daily_minutes", 0),
            team_daily_calls=self.number(table, "policy.team_daily_calls", "team_daily_calls", 0),
            team_daily_minutes=self.number(table, "policy.team_daily_minutes", "team_daily_minutes", 0),
            calls_at_once=self.number(table, "policy.calls_at_once", "calls_at_once", 12),
            night_calls=self.number(table, "policy.night_calls", "night_calls", night_calls),
            night_calls_at_once=self.number(table, "policy.night_calls_at_once", "night_calls_at_once", at_once),
            ring_at_least=self.ring_at_least(table),
            abandoned_percent=self.percent(table),
            abandoned_days=self.number(table, "policy.abandoned_days", "abandoned_days", 30) or 1,
            abandoned_stops=self.yes_or_no(table, "policy.abandoned_stops", "abandoned_stops", True),
            places={**DEFAULTS, **self.places(table)},
            registry_days={**REGISTRY_DAYS, **self.days(table, "policy.registry_days", "registry_days")},
            daily_calls=self.whole(table, "policy.daily_calls", "daily_calls", 200),
        )

    def days(self, table: dict[str, Any], shown: str, name: str) -> dict[str, int]:
        """A number of days for each country."""
        found: dict[str, int] = {}
        value = table.pop(name, {})
        if not isinstance(value, dict):
            self.errors.append(f"{shown} must say a number of days for each country, like {{ US = 31 }}.")
            return {}
        for country, days in value.items():
            code = str(country).upper()
            if code not in phonenumbers.SUPPORTED_REGIONS:
                words = numbers.MISTAKEN.get(code, "Use two letters, like US.")
                self.errors.append(f"{shown}: “{country}” is not a country code. {words}")
            elif not isinstance(days, int) or isinstance(days, bool) or days < 0:
                self.errors.append(f"{shown}.{country} must be a whole number of days, 0 or more.")
            else:
                found[code] = days
        return found

    def percent(self, table: dict[str, Any]) -> float:
        """Of [policy]: how many of a campaign's calls may be abandoned."""
        value = table.pop("abandoned_percent", 2.5)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
            self.errors.append("policy.abandoned_percent must be a number from 0, which is no watch, to 100.")
            return 2.5
        return float(value)

    def places(self, table: dict[str, Any]) -> dict[str, Place]:
        """Of [policy]: stricter rules of some places."""
        found: dict[str, Place] = {}
        value = table.pop("places", {})
        if not isinstance(value, dict) or not all(isinstance(rules, dict) for rules in value.values()):
            self.errors.append("policy.places must have rules for each place, like { AE = { calls_per_day = 1 } }.")
            return {}
        for name, given in value.items():
            shown, rules = f"policy.places.{name}", dict(given)
            codes = self.strings(f"{shown}.area_codes", rules.pop("area_codes", []))
            hours = self.hours(f"{shown}.hours", rules.pop("hours")) if "hours" in rules else ()
            names = ("calls_per_day", "unanswered_per_day", "unanswered_per_week")
            limits = {limit: self.number(rules, f"{shown}.{limit}", limit, 0) for limit in names}
            if name.partition("-")[0] not in phonenumbers.SUPPORTED_REGIONS:
                self.errors.append(f"{shown}: a place begins with a country code of two letters, like AE or US-FL.")
            elif "-" in name and not codes and name not in AREA_CODES:
                self.errors.append(f'{shown}: say which numbers are there, like area_codes = ["405", "539"].')
            if not all(code.isdecimal() for code in codes):
                self.errors.append(f"{shown}.area_codes must be digits in quotes.")
            found[name] = Place(hours=hours or ("", ""), area_codes=codes, **limits)
            self.leftovers(shown, rules)
        return found

    def hours(self, shown: str, value: object) -> tuple[str, str] | tuple[()]:
        """From and until when, of one day; () = that is told to be wrong."""
        hours = [str(hour) for hour in value] if isinstance(value, list) else []
        hours[1:] = ["00:00" if hour == "24:00" else hour for hour in hours[1:]]  # both are midnight
        if len(hours) != 2 or not all(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", hour) for hour in hours):
            self.errors.append(f'{shown} must be two times of four digits, like hours = ["09:00", "18:00"].')
            return ()
        if hours[1] <= hours[0] and hours[1] != "00:00":
            self.errors.append(f"{shown}: {hours[1]} is not after {hours[0]}. Write two times of one day.")
            return ()
        return hours[0], hours[1]

    def ring_at_least(self, table: dict[str, Any]) -> int:
        """Of [policy]: seconds."""
        found = self.number(table, "policy.ring_at_least", "ring_at_least", 15)
        if found > LONGEST_RING:
            self.errors.append(f"policy.ring_at_least must be {LONGEST_RING} seconds or fewer, or 0 for no such rule.")
        return found

    def rings(self, settings: Settings) -> None:
        """Whether the voice messages of each account let phones ring as long as they must."""
        least = settings.policy.ring_at_least
        for account in settings.accounts:
            seconds = account.message.get("ring_seconds")
            if seconds and seconds < least:
                self.errors.append(
                    f"accounts.{account.name}.message.ring_seconds: {seconds} seconds are fewer than the {least} of "
                    "policy.ring_at_least. Write as many, or lower that where no law says otherwise."
                )

    def messages(self) -> MessageSettings:
        """[messages]."""
        table, limits = self.sub("messages"), {}
        stop_key = table.pop("stop_key", "")
        if stop_key not in ("", *"0123456789*#"):
            self.errors.append('messages.stop_key must be one key of a telephone, like "9"; "" is none.')
        stop_words = self.strings("messages.stop_words", table.pop("stop_words", []))
        if not all(re.search(r"\w", words) for words in stop_words):
            self.errors.append('messages.stop_words must be words that somebody may say, like ["stop", "remove me"].')
        consent = self.days(table, "messages.consent", "consent")
        for limit in fields(MessageSettings):
            if limit.name in ("stop_key", "stop_words", "consent"):
                continue
            limits[limit.name] = self.number(table, f"messages.{limit.name}", limit.name, int(str(limit.default)))
        if limits["at_once"] == 0:
            self.errors.append("messages.at_once must be 1 or more, or no message would ever be sent.")
        self.leftovers("messages", table)
        return MessageSettings(**limits, stop_key=str(stop_key), stop_words=stop_words, consent=consent)

    def dispositions(self) -> tuple[tuple[str, ...], str]:
        """Choices of how a call went, and the one of them with which somebody is called no more."""
        found = self.strings("dispositions", self.table.pop("dispositions", []))
        stops = self.text("stop_disposition", "Asked not to be called again").strip()
        usual = ("Reached, all done", "Interested", "Not interested", "Call later", "Left a message", "Wrong number")
        found = found or usual
        return (found if not stops or stops in found else (*found, stops)), stops

    def recording(self) -> consent.Recording:
        """[recording]."""
        table = self.sub("recording")
        known = {one.name: table.pop(one.name) for one in fields(consent.Recording) if one.name in table}
        found, errors = consent.read(known)
        self.errors += errors
        self.leftovers("recording", table)
        return found

    def retention(self) -> Retention:
        """[retention]."""
        table = self.sub("retention")
        days = {}
        for name in ("calls_days", "audit_days"):
            shown = f"retention.{name}"
            days[name] = self.number(table, shown, name, 0)
            if 0 < days[name] < LEAST_DAYS:
                self.errors.append(f"{shown} must be 0 (never) or at least {LEAST_DAYS}: digests and limits look back.")
        self.leftovers("retention", table)
        return Retention(**days)

    def digest_picture(self) -> bool:
        """[digest]: whether one has a picture."""
        table = self.sub("digest")
        found = self.yes_or_no(table, "digest.picture", "picture", True)
        self.leftovers("digest", table)
        return found

    def commands(self) -> dict[str, str]:
        """[commands]: what each of ours is called in this workspace."""
        table = self.sub("commands")
        prefix = table.pop("prefix", "")
        if not isinstance(prefix, str) or not re.fullmatch(r"[a-z0-9_-]*", prefix):
            words = 'must be small letters, digits, - and _, without a slash, like "acme-".'
            self.errors.append(f"commands.prefix = “{prefix}” {words}")
            prefix = ""
        for name in [name for name in COMMANDS if not isinstance(table.get(name, ""), str)]:
            self.errors.append(f'commands.{name} must be a text in quotes, like "/{name}".')
            del table[name]
        found = {name: str(table.pop(name, f"/{prefix}{name}")) for name in COMMANDS}
        for name, command in found.items():
            if not re.fullmatch(r"/[a-z0-9_-]{1,31}", command):
                self.errors.append(f"commands.{name} = “{command}” must be a slash and small letters, like /call.")
            if list(found.values()).index(command) != list(found).index(name):
                self.errors.append(f"commands.{name} = “{command}” is another command's name, too. Rename one of them.")
        self.leftovers("commands", table)
        return found
