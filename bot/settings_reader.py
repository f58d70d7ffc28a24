"""Environment and `callboard.toml` -> checked settings. Every error names the setting and the fix.

Secrets come from the environment only; what may be seen by everyone with access to the folder is in the file.
`docs/settings.md` lists all of them and is kept true by a test.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import phonenumbers

from bot import call_options, decide, numbers, policy
from bot.errors import BadInput, SettingsError
from bot.provider import Provider, Setting
from bot.providers import provider_class
from bot.settings import Account, Line, Settings
from bot.settings_file import parsed
from bot.settings_sections import Sections
from bot.settings_values import advice, is_address, is_zone, like_zone

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,30}")
_ADDRESS = re.compile(r"https?://[^/\s]+")
_IN_BRACKETS = "Its port is a number, and an IPv6 address goes in brackets, like https://[2001:db8::1]:8443."


def load(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Read and check everything.

    Raises:
        SettingsError: the first thing that is wrong, with the name of the setting and what to do.
    """
    found, errors = examine(environment, file)
    if errors:
        raise SettingsError(errors[0])
    assert found is not None
    return found


def examine(environment: Mapping[str, str], file: Path | None = None) -> tuple[Settings | None, list[str]]:
    """Read everything and collect all that is wrong, for `callboard check`. Settings are None if it cannot start."""
    errors: list[str] = []
    named = file or environment.get("CALLBOARD_CONFIG", "").strip()
    path = Path(named or "callboard.toml")
    table: dict[str, Any] = {}
    try:
        table, unreadable = parsed(path)
    except FileNotFoundError:
        if named:
            fix = "Copy callboard.example.toml there, or name another file with --config or CALLBOARD_CONFIG."
            return None, [f"{path} does not exist. {fix}"]
        errors.append(f"No {path} is in {Path.cwd()}. Copy callboard.example.toml to it, or name it with --config.")
    else:
        if unreadable:
            return None, [unreadable]
    reader = _Reader(environment, table, errors)
    settings = reader.settings()
    return (None if errors else settings), errors


class _Reader(Sections):
    """Reads one setting after the other."""

    def settings(self) -> Settings:
        mode = self.variable("CALLBOARD_SLACK_MODE", "socket").lower()
        if mode not in ("socket", "http"):
            self.errors.append("CALLBOARD_SLACK_MODE must be “socket” or “http”. Unset it for Socket Mode.")
        region, zone = self.region(), self.zone()
        accounts, missed = self.accounts(region), self.sub("missed")
        roundup = self.roundup("roundup", self.table.pop("roundup", ""))
        quiet = self.quiet("quiet", self.table.pop("quiet", []))
        dispositions, stop_disposition = self.dispositions()
        settings = Settings(
            data=Path(self.variable("CALLBOARD_DATA", "callboard-data")).expanduser(),
            region=region,
            zone=zone,
            mode="http" if mode == "http" else "socket",
            bot_token=self.secret("SLACK_BOT_TOKEN", "xoxb-", "OAuth & Permissions"),
            app_token=self.secret("SLACK_APP_TOKEN", "xapp-", "Basic Information, App-Level Tokens")
            if mode == "socket" else "",
            signing_secret=self.secret("SLACK_SIGNING_SECRET", "", "Basic Information") if mode == "http"
            else self.variable("SLACK_SIGNING_SECRET"),
            slack_api=self.variable("SLACK_API_URL", "https://slack.com/api/"),
            host=self.variable("CALLBOARD_HOST", "127.0.0.1").strip("[]"),  # as in an address of the web
            port=self.port(),
            public_url=self.public_url(mode),
            hook_secret=self.hook_secret("CALLBOARD_HOOK_SECRET"),
            old_hook_secret=self.old_hook_secret(),
            accounts=accounts,
            lines=self.lines(region, accounts, {"roundup": roundup, "quiet": quiet}),
            roundup=roundup,
            quiet=quiet,
            channel=self.matching("channel", self.text("channel", ""), _CHANNEL, "C0123456789"),
            admins=self.users("admins", self.table.pop("admins", [])),
            managers=self.users("managers", self.table.pop("managers", [])),
            policy=self.policy(region, zone),
            brief_seconds=self.number(missed, "missed.brief_seconds", "brief_seconds", 0),
            claim_minutes=self.number(missed, "missed.claim_minutes", "claim_minutes", 60),
            escalate_minutes=self.whole(missed, "missed.escalate_minutes", "escalate_minutes", 15),
            summaries=self.flag("summaries", True),
            mask=self.flag("mask_numbers", False),
            dispositions=dispositions,
            stop_disposition=stop_disposition,
            contact_url=self.contact_url(),
            lookup_url=self.lookup_url(),
            lookup_token=self.lookup_token(),
            commands=self.commands(),
            flows=self.flows(region),
            slack_calls=self.flag("slack_calls", False),
            messages=self.messages(),
            recording=self.recording(),
            retention=self.retention(),
            digest_picture=self.digest_picture(),
        )  # fmt: skip
        for name in sorted(self.table):
            self.errors.append(f"callboard.toml has an unknown setting “{name}”. {advice('', name)}")
        self.ends(settings)
        self.rings(settings)
        return settings

    def region(self) -> str:
        region = self.text("region", "US").upper()
        if region in phonenumbers.SUPPORTED_REGIONS:
            return region
        words = numbers.MISTAKEN.get(region, 'Use two letters, like region = "IL".')
        self.errors.append(f"region = “{region}” is not a country code. {words}")
        return "US"

    def zone(self) -> str:
        zone = self.text("time_zone", "UTC")
        if is_zone(zone):
            return zone
        meant = like_zone(zone)
        words = f"Is “{meant}” meant?" if meant else 'Use an IANA name, like "Asia/Jerusalem".'
        self.errors.append(f"time_zone = “{zone}” is not known. {words}")
        return "UTC"

    def secret(self, name: str, prefix: str, where: str) -> str:
        value = self.variable(name)
        if not value:
            fix = f"{name} is not set. Copy it from your Slack app's page, {where}."
            self.errors.append(self.misspelt(name) or fix)
        elif self.whole_secret(name, value) and not value.startswith(prefix):
            self.errors.append(f"{name} does not start with {prefix}. Copy it again from {where}.")
        return value

    def port(self) -> int:
        value = self.variable("CALLBOARD_PORT", "8080")
        if not value.isdecimal() or not 0 <= int(value) < 65536:
            self.errors.append("CALLBOARD_PORT must be a port number below 65536.")
            return 8080
        return int(value)

    def public_url(self, mode: str) -> str:
        value = self.variable("CALLBOARD_PUBLIC_URL").rstrip("/")
        if value and not _ADDRESS.match(value):
            self.errors.append("CALLBOARD_PUBLIC_URL must begin with https://, like https://callboard.example.com.")
        elif not is_address(value):
            self.errors.append(f"CALLBOARD_PUBLIC_URL is not an address. {_IN_BRACKETS}")
        elif re.search(r"[\s?#@]", value):
            self.errors.append("CALLBOARD_PUBLIC_URL may not have blanks, ?, # or @ in it: paths are added at its end.")
        elif ours := re.search(r"/(slack/events|hooks(/.*)?|healthz(/live)?)$", value):
            self.errors.append(
                f"CALLBOARD_PUBLIC_URL ends with {ours[0]}, which Callboard adds by itself. Take that away."
            )
        if not value and mode == "http":
            self.errors.append("CALLBOARD_PUBLIC_URL is not set. Slack needs it in HTTP mode to reach Callboard.")
        return value

    def contact_url(self) -> str:
        value = self.text("contact_url", "").strip()
        if value and not _ADDRESS.match(value):
            self.errors.append(
                "contact_url must begin with https:// or http://, like https://crm.example.com/{number}."
            )
        elif not is_address(value):
            self.errors.append(f"contact_url is not an address. {_IN_BRACKETS}")
        elif value and "{number}" not in value:
            self.errors.append("contact_url must have {number} where the number goes.")
        return value

    def lookup_url(self) -> str:
        value = self.text("lookup_url", "").strip()
        if value and not re.match(r"https://[^/\s]+|http://(localhost|127\.0\.0\.1|\[::1\])[:/]", value):
            self.errors.append("lookup_url must begin with https://: callers' numbers travel there.")
        elif not is_address(value):
            self.errors.append(f"lookup_url is not an address. {_IN_BRACKETS}")
        if value and "{number}" not in value:
            self.errors.append("lookup_url must have {number} where the caller's number goes.")
        return value

    def lookup_token(self) -> str:
        name = "CALLBOARD_LOOKUP_TOKEN"
        value = self.variable(name)
        self.whole_secret(name, value)
        return value

    def hook_secret(self, name: str) -> str:
        value = self.variable(name)
        if not value and (meant := self.misspelt(name)):
            self.errors.append(meant)
            return value
        if not self.whole_secret(name, value):
            return value
        if len(value) < 16 or not re.fullmatch(r"[A-Za-z0-9_-]*", value):
            self.errors.append(
                f"{name} must have 16 or more letters and digits: it keeps strangers from sending "
                'made-up calls. Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(24))"'
            )
        return value

    def old_hook_secret(self) -> str:
        name, new = "CALLBOARD_OLD_HOOK_SECRET", "CALLBOARD_HOOK_SECRET"
        if not self.environment.get(name):
            return ""
        if self.environment[name] == self.environment.get(new):
            self.errors.append(f"{name} is the same as {new}. Put the secret before there, or take {name} away.")
            return ""
        return self.hook_secret(name)

    def accounts(self, region: str) -> tuple[Account, ...]:
        sections = self.sub("accounts")
        if not sections:
            self.errors.append(
                "No telephony account is configured. Add a section like [accounts.voicenter] to callboard.toml "
                "and set its environment variables (docs/providers has a page for each)."
            )
        found: list[Account] = []
        for name, section in sections.items():
            if not _NAME.fullmatch(name) or not isinstance(section, dict):
                self.errors.append(f"[accounts.{name}]: use a short name of small letters and digits.")
                continue
            section = dict(section)
            provider = section.pop("provider", name)
            try:
                kind = provider_class(str(provider))
            except SettingsError as error:
                self.errors.append(f"[accounts.{name}]: {error}")
                continue
            addresses = self.addresses(f"accounts.{name}.addresses", section.pop("addresses", []))
            call, errors = call_options.read(f"accounts.{name}.call", section.pop("call", {}), region, kind)
            table = section.pop("message", {})
            message, wrong = call_options.read(
                f"accounts.{name}.message", table, region, kind, sort=call_options.MESSAGES
            )
            self.errors += errors + wrong
            values = {setting.name: self.value_of(name, setting, section) for setting in kind.settings}
            for secret in (setting.name for setting in kind.settings if setting.secret and setting.name in section):
                variable = f"{name}_{secret}".upper()
                self.errors.append(
                    f"{secret} of [accounts.{name}] is a secret. Move it to the environment: {variable}."
                )
                section.pop(secret)
            self.leftovers(f"accounts.{name}", section, [one.name for one in kind.settings if not one.secret])
            self.twin(name, kind, values, [one for one in found if one.provider == provider])
            found.append(Account(name, str(provider), values, addresses, call, message))
        return tuple(found)

    def value_of(self, name: str, setting: Setting, section: dict[str, Any]) -> str:
        """One setting of an account's provider: from the environment, its section, or as it is by default."""
        variable = f"{name}_{setting.name}".upper()
        value = section.pop(setting.name, "") if not setting.secret else ""
        if not isinstance(value, str | int) or isinstance(value, bool):
            words = f"must be a text in quotes. In the environment it is {variable}."
            self.errors.append(f"{setting.name} of [accounts.{name}] {words}")
            return setting.default or ""
        # A password may be of anything, quotes and blanks too.
        read = self.environment.get if setting.name == "password" else self.variable
        value = read(variable, "") or str(value) or (setting.default or "")
        if not value and setting.default is None:
            what = f"{setting.help[:1].lower()}{setting.help[1:].rstrip('.')}"
            place = "" if setting.secret else f", or {setting.name} in [accounts.{name}]"
            fix = f"{variable} is not set: {what}. Set it in the environment{place}."
            self.errors.append(self.misspelt(variable) or fix)
        if setting.secret and setting.name != "password":
            self.whole_secret(variable, value)
        if value and setting.name.endswith("url"):
            if not _ADDRESS.match(value):
                self.errors.append(f"{variable} is not an address. It begins with https://.")
            elif not is_address(value):
                self.errors.append(f"{variable} is not an address. {_IN_BRACKETS}")
        return value

    def twin(self, name: str, kind: type[Provider], values: Mapping[str, str], others: list[Account]) -> None:
        """Where a service is asked for all calls of an account, a second name for it would show each twice."""
        secrets = [setting.name for setting in kind.settings if setting.secret]
        means = [setting.name for setting in kind.settings if setting.secret or setting.name.endswith(("url", "login"))]
        for other in others if kind.can("active_calls") else ():
            if all(values[key] == other.values[key] for key in means) and any(values[key] for key in secrets):
                variables = " or ".join(f"{name}_{key}".upper() for key in secrets)
                self.errors.append(
                    f"[accounts.{name}] is the same account at {kind.title} as [accounts.{other.name}], so each call "
                    f"would be shown twice. Remove one, or give it the values of another account: {variables}."
                )

    def addresses(self, name: str, value: object) -> tuple[str, ...]:
        """A misspelt one would match nobody, and every webhook would be refused without a word."""
        found = self.strings(name, value)
        for address in found:
            try:
                ipaddress.ip_network(address, strict=False)
            except ValueError:
                self.errors.append(f"{name}: “{address}” is no IP address. Write it like 203.0.113.7.")
        return found

    def ends(self, settings: Settings) -> None:
        """The quiet hours of each channel do, those of all its lines together."""
        if not settings.quiet and not any(line.quiet for line in settings.lines):
            return
        from bot.quiet import whole_day  # spared where there are none
        from bot.routing import quiet_hours

        for channel, hours in quiet_hours(settings).items():
            if whole_day(hours):
                words = "together fill the whole day, so nothing would ever be posted there"
                self.errors.append(f"The quiet hours of all lines of channel {channel} {words}. Shorten some.")

    def lines(self, region: str, accounts: tuple[Account, ...], usual: Mapping[str, Any]) -> tuple[Line, ...]:
        names = {account.name for account in accounts}
        allowed = {item.name for item in fields(Line)} - {"number"}
        found: list[Line] = []
        for written, section in self.sub("lines").items():
            try:
                number = numbers.parse(written, region)
            except BadInput as error:
                self.errors.append(f'[lines."{written}"]: {error}')
                continue
            if not isinstance(section, dict):
                self.errors.append(f'lines."{written}" must be a section, [lines."{written}"].')
                continue
            self.leftovers(f'lines."{written}"', {name: None for name in section if name not in allowed})
            if any(line.number == number for line in found):
                self.errors.append(f'[lines."{written}"] has the number of another section. Join the two.')
            given = dict(usual)
            for name, value in section.items():
                shown, example = f'lines."{written}".{name}', getattr(Line(number), name) if name in allowed else None
                if name in usual:
                    given[name] = self.roundup(shown, value) if name == "roundup" else self.quiet(shown, value)
                elif example is not None and name != "call" and type(value) is not type(example):
                    kind = "true or false" if isinstance(example, bool) else "a text in quotes"
                    self.errors.append(f"{shown} must be {kind}.")
                elif example is not None:
                    given[name] = value
            line = Line(number=number, **given)
            if line.account and line.account not in names:
                self.errors.append(f'[lines."{written}"]: there is no [accounts.{line.account}].')
            elif "call" in given:
                of = [account for account in accounts if line.account in ("", account.name)]
                line = replace(line, call=self.call_of_line(written, line, of, region))
            self.matching(f'lines."{written}".channel', line.channel, _CHANNEL, "C0123456789")
            found.append(line)
        return tuple(found)

    def call_of_line(self, written: str, line: Line, of: list[Account], region: str) -> dict[str, Any]:
        if len(of) != 1:
            words = "which options there are depends on the service. Say where the line lives"
            self.errors.append(f'[lines."{written}"] call: {words}, like account = "{of[0].name if of else "sales"}".')
            return {}
        kind = provider_class(of[0].provider)
        if "caller_id" not in kind.order_options:
            words = f"{kind.title} shows no line that somebody has chosen, so no call would have them"
            self.errors.append(f'[lines."{written}"] call: {words}. Set them for its account, if at all.')
            return {}
        found, errors = call_options.read(f'lines."{written}".call', line.call, region, kind, of[0].call)
        self.errors += errors
        return found

    def flows(self, region: str) -> tuple[decide.Flow, ...]:
        found, errors = decide.read(self.table.pop("flow", []))
        self.errors += errors
        numbered: list[decide.Flow] = []
        for flow in found:
            try:
                number = numbers.parse(flow.line, region) if flow.line else ""
            except BadInput as error:
                self.errors.append(f"[[flow]]: {error}")
                continue
            if any(other.line == number for other in numbered):
                whose = f"line {flow.line}" if flow.line else "all lines that have none of their own"
                self.errors.append(f"[[flow]]: there are two for {whose}. Only the first would count; join them.")
            self.errors += [
                f"[[flow]]: its step “{name}” would dial {target}, and that is never done: {why} Write another target."
                for name, target in decide.dialled(flow)
                if (why := policy.never(_dialled(target, region), region))
            ]
            numbered.append(msgspec.structs.replace(flow, line=number))
        return tuple(numbered)


def _dialled(target: str, region: str) -> str:
    """E.164 of what a phone service may take for a number; an extension as it is."""
    try:
        return numbers.parse(target, region)
    except BadInput:
        return target
