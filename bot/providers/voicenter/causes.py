"""Why a call ended, as the network numbers it (Q.850, "ISUP"), with its SIP reply and our word for it.

Source: "API Documentation" rev. 3.2, chapter 5.2, "SIP RFC error codes".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.events import Outcome


@dataclass(frozen=True)
class Cause:
    """One cause. `sip`: the equivalent reply, 0 = BYE or CANCEL. 22 is 301 where a diagnostic names the new number."""

    words: str
    sip: int
    outcome: Outcome


_UNREACHABLE, _FAILED = Outcome.UNREACHABLE, Outcome.FAILED

CAUSES: Mapping[int, Cause] = {
    1: Cause("unallocated (unassigned) number", 404, _UNREACHABLE),
    2: Cause("no route to network", 404, _UNREACHABLE),
    3: Cause("no route to destination", 404, _UNREACHABLE),
    16: Cause("normal call clearing", 0, Outcome.ANNOUNCEMENT),  # told to whoever heard a menu: as it is set up
    17: Cause("user busy", 486, Outcome.BUSY),
    18: Cause("no user responding", 408, Outcome.NO_ANSWER),
    19: Cause("no answer from the user", 480, Outcome.NO_ANSWER),
    20: Cause("subscriber absent", 480, _UNREACHABLE),
    21: Cause("call rejected", 403, Outcome.REJECTED),
    22: Cause("number changed", 410, _UNREACHABLE),
    23: Cause("redirection to new destination", 410, _UNREACHABLE),
    26: Cause("non-selected user clearing", 404, _UNREACHABLE),
    27: Cause("destination out of order", 502, _UNREACHABLE),
    28: Cause("address incomplete", 484, _UNREACHABLE),
    29: Cause("facility rejected", 501, _FAILED),
    31: Cause("normal unspecified", 480, _FAILED),
    34: Cause("no circuit available", 503, _UNREACHABLE),
    38: Cause("network out of order", 503, _UNREACHABLE),
    41: Cause("temporary failure", 503, _FAILED),
    42: Cause("switching equipment congestion", 503, _UNREACHABLE),
    47: Cause("resource unavailable", 503, _FAILED),
    55: Cause("incoming calls barred within CUG", 403, Outcome.REJECTED),
    57: Cause("bearer capability not authorized", 403, Outcome.REJECTED),
    58: Cause("bearer capability not presently available", 503, _FAILED),
    65: Cause("bearer capability not implemented", 488, _FAILED),
    70: Cause("only restricted digital available", 488, _FAILED),
    79: Cause("service or option not implemented", 501, _FAILED),
    87: Cause("user not member of CUG", 403, Outcome.REJECTED),
    88: Cause("incompatible destination", 503, _FAILED),
    102: Cause("recovery of timer expiry", 504, _FAILED),
    111: Cause("protocol error", 500, _FAILED),
    127: Cause("interworking unspecified", 500, _FAILED),
}
TEMPORARY_FAILURE = 41
"""What a call ends with about which nothing could be said."""
