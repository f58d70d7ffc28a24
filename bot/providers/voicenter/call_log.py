"""The call log: finished calls, asked for by period, and told as the CDR notification tells them.

Sources: "API Documentation" rev. 3.2, chapter 3; https://www.voicenter.com/API/Call-Log for the zone (UTC) and the
limits: 10,000 records in one answer, 30 questions a minute.
"""

import asyncio
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
from typing_extensions import override

from bot.errors import Refused, Unavailable
from bot.events import AnyEvent
from bot.orders import LogSearch
from bot.provider import LIMITED as TOO_OFTEN
from bot.provider import patience, reason

from . import records
from .account import Account
from .fields import Fields
from .replies import answered, refusal

CALL_LOG = "/hub/cdr/"
FIELDS = (
    *("Date", "Type", "DID", "CallerNumber", "CallerExtension", "TargetNumber", "TargetExtension"),
    *("TargetPrefixName", "Duration", "Price", "RecordURL", "RecordExpect", "RepresentativeName"),
    *("RepresentativeCode", "DTMFData", "CallID", "QueueName", "DialStatus", "DialStatus2", "RingTime"),
    *("CustomData", "DepartmentName", "DepartmentId"),
)
"""All of the document's table but `fromdate`, `todate` and `phones`, which are search criteria listed by mistake."""
MAX_RECORDS = 10_000
"""In one answer. One that is full is taken for cut off."""
PAUSES = (5, 10, 20, 30)
"""Seconds to wait when too much was asked; after more than a minute it is another's questions that use up the limit."""
LONGEST_PAUSE = 60
"""The same where a web server says how long, with HTTP 429."""

SCOPES = ("Account", "Hierarchical", "Department", "User")
"""IdentityCriteria: whose calls, seen from whom the code belongs to."""

LIMITED, WRONG_CODE, TOO_MANY, NOT_TRUSTED = 1, 2, 3, 4
"""ERROR_NUMBER."""

_AS_NOTIFIED = {
    "callid": "ivruniqueid",
    "callernumber": "caller",
    "targetnumber": "target",
    "recordurl": "record",
    "ringtime": "dialtime",
    "representativename": "representative_name",
    "representativecode": "representative_code",
}
"""The log's names of what the notification has under another name."""


class CallLog(Account):
    """Chapter 3."""

    _limited_at = 0.0
    _unreadable = 0

    @override
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        """All records of the period, which is halved until no answer is cut off.

        The log does not tell how long somebody waited in a queue; otherwise the events are the notification's.

        Raises:
            Refused: the code, this server's address, or the period; its words.
            Unavailable: not reached, or others use up the limit.
        """
        found: list[Fields] = []
        self._unreadable = 0
        periods = [(math.floor(search.since), math.ceil(search.until) - 1)]  # whole seconds, both included
        while periods:
            first, last = periods.pop()
            if last < first:
                continue
            rows = await self._period(search, first, last)
            if rows is not None:
                found += rows
            elif first < last:
                middle = (first + last) // 2
                periods += [(middle + 1, last), (first, middle)]
            else:
                raise Refused(
                    f"Voicenter has more records of one second than it hands out at once, so calls around "
                    f"{written(first)} UTC were not looked up. Ask for fewer, by number or extension.",
                    code=str(TOO_MANY),
                )
        readable = [row for row in found if row.text("callid") and moment(row.text("date"))]
        self._unreadable += len(found) - len(readable)

        def read() -> tuple[AnyEvent, ...]:
            return tuple(event for row in readable for event in records.events(as_notified(row), 0, self.region))

        return await asyncio.to_thread(read)  # the records of days take seconds

    async def _period(self, search: LogSearch, first: int, last: int) -> list[Fields] | None:
        """Its records; None where there are more than one answer holds."""
        for pause in (*PAUSES, 0):
            reply, error, wanted = await self._asked(self._question(search, first, last))
            if error != LIMITED:
                break
            if not pause or wanted > LONGEST_PAUSE:
                words = reason(reply.text("error_description"))
                raise Unavailable(f"Voicenter answers no more questions now: {words}. Try again in some minutes.")
            self._limited_at = self.clock()
            await self.sleep(max(pause, wanted))
        if error == TOO_MANY:
            return None
        if error:
            raise self._refusal(error, reply.text("error_description"))
        rows, count = reply.rows("cdr_list"), reply.count("cdr_list")
        # Of one second there are not so many more that they would be worth losing those that are told.
        if count >= MAX_RECORDS or (first < last and (reply.number("total_hits") or 0) > count):
            return None
        self._unreadable += count - len(rows)
        return rows

    async def _asked(self, request: httpx.Request) -> tuple[Fields, int, int]:
        """The answer, the error in it, and how many seconds it wants us to wait."""
        response = await self.send(request)
        if response.status_code == TOO_OFTEN:
            told = Fields({"error_description": f"HTTP {TOO_OFTEN}"})
            return told, LIMITED, patience(response, self.clock())
        return *answered(response, "error_number", self.account, "LOG_URL"), 0

    def _refusal(self, error: int, words: str) -> Refused:
        hint = {
            WRONG_CODE: f"Check {self.account.upper()}_CODE.",
            NOT_TRUSTED: "Have this server's address allowed in Voicenter's control panel.",
        }
        return refusal(error, words, hint.get(error, "Ask Voicenter what this code means."))

    def _question(self, search: LogSearch, first: int, last: int) -> httpx.Request:
        phones = [number.removeprefix("+") for number in search.numbers]
        period = {"fromdate": written(first), "todate": written(last)}
        whose = search.scope or self.values["log_scope"]
        scope = {"IdentityCriteria": whose} if whose else {}
        if self.values["log_request"] == "GET":
            # Lists by repeating the name; of extensions the document's example has the singular.
            query = [("code", self.values["code"]), ("format", "JSON"), *period.items(), *scope.items()]
            query += [("phones", number) for number in phones]
            query += [("extension", code) for code in search.extensions]
            return self.get("log_url", CALL_LOG, *query, *(("fields", name) for name in FIELDS))
        criteria: dict[str, object] = {**period, **scope}
        criteria |= {"phones": phones} if phones else {}
        criteria |= {"extensions": list(search.extensions)} if search.extensions else {}
        body = {"code": self.values["code"], "format": "JSON", "fields": list(FIELDS), "search": criteria}
        return self.http.build_request("POST", self.address("log_url", CALL_LOG), json=body)

    @override
    def notices(self) -> tuple[str, ...]:
        """That the limit was met in the last minute, and what could not be read."""
        told = []
        if self.clock() - self._limited_at < 60:
            told.append(f"{self.title} limits questions about finished calls; looking them up takes longer.")
        if self._unreadable:
            told.append(
                f"{self.title}: {self._unreadable} record(s) of its call log tell no call or no time; left out."
            )
        return tuple(told)


def as_notified(row: Fields) -> Fields:
    """A record of the log under the names of the CDR notification."""
    told: Mapping[str, object] = {
        **{_AS_NOTIFIED.get(name, name): value for name, value in row.members.items()},
        "time": moment(row.text("date")),
        "status": row.text("dialstatus", "dialstatus2"),
    }
    return Fields(told)


def written(at: int) -> str:
    """ISO 8601 in UTC, with seconds and without a zone, as the log wants it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def moment(date: str) -> float:
    """Seconds since 1970 UTC of a record's date; without a zone it is UTC. 0 where it is none."""
    told: object = date
    try:
        found = datetime.fromisoformat(date)
        told = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass  # perhaps seconds
    return Fields({"date": told}).epoch("date")
