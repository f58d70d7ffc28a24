"""Everything a telephony service may be asked for, one method each, refusing by default.

`Provider` inherits these; a service's class can do what it overrides. The phrase of an operation is its refusal
("Gurulize cannot end calls."), and what Slack, `callboard providers` and the docs say that a service can do.
"""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from bot.call import Call
from bot.errors import Unsupported
from bot.events import Accepted, AnyEvent
from bot.orders import (
    Added,
    CallOrder,
    Campaign,
    CampaignCall,
    ConferenceOrder,
    Extension,
    IvrSettings,
    LogSearch,
    Member,
    MessageOrder,
    NewTemplate,
    Prompt,
    QueueCaller,
    Speech,
    Strategy,
    TalkOption,
    Template,
)

_Operation = TypeVar("_Operation", bound=Callable[..., Awaitable[Any]])
_REFUSES = "__refuses__"
_DIALS = "__dials__"


def operation(phrase: str, *, dials: bool = False) -> Callable[[_Operation], _Operation]:
    """Turn an empty method body into a refusal built from `phrase`: "Gurulize cannot end calls.".

    `dials`: somebody's phone may ring because of it, so an unclear answer is `Ambiguous` and it is never repeated.
    """

    def decorate(method: _Operation) -> _Operation:
        @functools.wraps(method)
        async def refuse(self: "Operations", *args: Any, **kwargs: Any) -> Any:
            raise Unsupported(f"{self.title} cannot {phrase}.")

        setattr(refuse, _REFUSES, phrase)
        setattr(refuse, _DIALS, dials)
        return cast(_Operation, refuse)

    return decorate


class Operations:
    """The vocabulary. `call` is a folded call: its `refs` hold the service's own ids."""

    title: ClassVar[str]

    @classmethod
    def can(cls, name: str) -> bool:
        """Whether the service has this operation: whether the class overrides it."""
        return not hasattr(getattr(cls, name), _REFUSES)

    # What it can be asked to do. Bodies are empty on purpose: see `operation`. All raise Refused (it said no; its
    # words), Unavailable (not reached) and, where they dial, Ambiguous (nobody knows; never repeated).

    @operation("place calls", dials=True)
    async def place_call(self, order: CallOrder) -> Accepted:
        """Ring the rep, then the number, and join them. Returns the event with the service's call id."""
        raise AssertionError

    @operation("send voice messages", dials=True)
    async def send_message(self, order: MessageOrder) -> Accepted:
        """Call one party and play something. Returns the event with the service's call id."""
        raise AssertionError

    @operation("call people into conferences", dials=True)
    async def join_conference(self, order: ConferenceOrder) -> Accepted:
        """Ring a phone and put it into a conference. Returns the event with the service's call id."""
        raise AssertionError

    # A running call.

    @operation("end calls")
    async def hang_up(self, call: Call) -> None:
        """End a call that is ringing or answered. Returns when the service has accepted it."""
        raise AssertionError

    @operation("end one leg of a call")
    async def drop_leg(self, call: Call, leg: str) -> None:
        """End one leg. `leg`: `Leg.ref`, the service's id of it."""
        raise AssertionError

    @operation("take incoming calls")
    async def accept(self, call: Call) -> None:
        """Answer an incoming call that waits for our decision."""
        raise AssertionError

    @operation("decline incoming calls")
    async def decline(self, call: Call) -> None:
        """Reject an incoming call that waits for our decision."""
        raise AssertionError

    @operation("put calls on hold")
    async def hold(self, call: Call, speech: Speech | None = None) -> None:
        """Put the outside party on hold. `speech`: played to them, None = the service's own music."""
        raise AssertionError

    @operation("take calls off hold")
    async def resume(self, call: Call) -> None:
        """Talk on with the party that is on hold."""
        raise AssertionError

    @operation("bridge a call to another number", dials=True)
    async def bridge(self, call: Call, number: str) -> None:
        """Dial a second party into a call that has one: the second half of a call that we conduct."""
        raise AssertionError

    @operation("consult a colleague during a call", dials=True)
    async def consult(self, call: Call, to: str, speech: Speech | None = None) -> None:
        """Call a third party while the first is on hold. `to`: E.164 or extension. `speech`: played to them first."""
        raise AssertionError

    @operation("complete a transfer")
    async def complete_transfer(self, call: Call) -> None:
        """Leave the call: the first and the third party talk on."""
        raise AssertionError

    @operation("go back to the first caller")
    async def return_to_caller(self, call: Call) -> None:
        """End the consultation and talk on with the first party."""
        raise AssertionError

    @operation("transfer calls", dials=True)
    async def transfer(self, call: Call, to: str) -> None:
        """Transfer with notice, in one order: the third party is called, then joined with the first."""
        raise AssertionError

    @operation("forward calls", dials=True)
    async def forward(self, call: Call, to: str) -> None:
        """Transfer blindly, in one order: the first party is put through to `to` without notice."""
        raise AssertionError

    @operation("press keys in calls")
    async def press_key(self, call: Call, key: str) -> None:
        """Send one DTMF tone: 0-9 * #."""
        raise AssertionError

    @operation("play messages into calls")
    async def play(self, call: Call, prompt: Prompt) -> None:
        """Play a sound or a spoken text into the call, and listen as asked."""
        raise AssertionError

    @operation("start recording during a call")
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        """Record from now on; returns what the answer tells of it, such as the recording's id.

        `name`: of the recording, unique; "" = the service's choice.
        """
        raise AssertionError

    @operation("stop recording during a call")
    async def stop_recording(self, call: Call) -> None:
        """Stop recording; what is recorded is kept."""
        raise AssertionError

    @operation("tag calls")
    async def tag(self, call: Call, tag: str) -> None:
        """Attach one of the account's tags. `tag`: its id at the service."""
        raise AssertionError

    @operation("let a coach join calls", dials=True)
    async def coach(self, call: Call, phone: str = "") -> None:
        """Let somebody listen in and speak to the rep alone. `phone`: "" = the account's own coach."""
        raise AssertionError

    @operation("block contacts")
    async def block(self, call: Call) -> None:
        """Put the outside party of this call on the account's black list."""
        raise AssertionError

    @operation("list the talk options of the account")
    async def talk_options(self) -> tuple[TalkOption, ...]:
        """What people can do by key during a talk."""
        raise AssertionError

    @operation("use talk options", dials=True)
    async def use_talk_option(self, call: Call, button: str) -> None:
        """Do what `TalkOption.button` does; it may transfer the call, or call a coach."""
        raise AssertionError

    # What it knows.

    @operation("say which calls are active")
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        """What is ringing and being talked right now, as the same events (and keys) that webhooks would give."""
        raise AssertionError

    @operation("say how one call stands")
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        """What is known of that call, as the same events (and keys) that webhooks would give. () = not known."""
        raise AssertionError

    @operation("list finished calls")
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        """Records of finished calls, as the same events (and keys) that webhooks would give; all pages."""
        raise AssertionError

    @operation("say who waits in its queues")
    async def queue_callers(self) -> tuple[QueueCaller, ...]:
        """Everybody who waits for an answer, longest first."""
        raise AssertionError

    @operation("list its extensions")
    async def extensions(self, everything: bool = False) -> tuple[Extension, ...]:
        """The account's extensions. `everything`: also those of accounts below it."""
        raise AssertionError

    @operation("sign people in and out")
    async def set_presence(self, person: str, status: str, extension: str = "") -> None:
        """Set somebody's status. `person`: their id at the service. `status`: a key of `presence`."""
        raise AssertionError

    @operation("hand out recordings")
    async def fetch_recording(self, recording: str, into: Path, limit: int) -> str:
        """Write a recording (`Call.recording`) to a file, at most `limit` bytes. Returns its media type.

        Raises:
            Refused: no such recording, not from this account's hosts, not a sound, or too large.
        """
        raise AssertionError

    @operation("check its settings without placing a call")
    async def check(self) -> str:
        """One sentence that says the credentials work.

        Raises:
            Refused: they do not; the service's words.  Unavailable: not reached.
        """
        raise AssertionError

    # Voice messages that it keeps.

    @operation("list its voice messages")
    async def templates(self) -> tuple[Template, ...]:
        """Stored voice messages."""
        raise AssertionError

    @operation("show one of its voice messages")
    async def template(self, template: str) -> Template:
        """One stored voice message with everything known of it. `template`: its id."""
        raise AssertionError

    @operation("store voice messages")
    async def create_template(self, new: NewTemplate) -> str:
        """Store a voice message. Returns its id."""
        raise AssertionError

    @operation("delete voice messages")
    async def delete_template(self, template: str) -> None:
        """Delete a stored voice message. `template`: its id."""
        raise AssertionError

    # Campaigns that run at the service. `campaign`: `Campaign.code`.

    @operation("list campaigns")
    async def campaigns(self) -> tuple[Campaign, ...]:
        """The account's campaigns."""
        raise AssertionError

    @operation("show a campaign")
    async def campaign(self, campaign: str) -> Campaign:
        """One campaign with everything known of it."""
        raise AssertionError

    @operation("start campaigns", dials=True)
    async def start_campaign(self, campaign: str) -> None:
        """Let it dial."""
        raise AssertionError

    @operation("stop campaigns")
    async def stop_campaign(self, campaign: str) -> None:
        """Dial nobody more; calls that wait are kept."""
        raise AssertionError

    @operation("clear campaigns")
    async def clear_campaign(self, campaign: str) -> None:
        """Remove all calls that wait."""
        raise AssertionError

    @operation("add calls to campaigns", dials=True)
    async def add_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        """Add one call."""
        raise AssertionError

    @operation("change calls of campaigns")
    async def update_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        """Change the waiting call with that number."""
        raise AssertionError

    @operation("remove calls from campaigns")
    async def remove_campaign_call(self, campaign: str, number: str) -> None:
        """Remove the waiting call with that number."""
        raise AssertionError

    @operation("add many calls to campaigns at once", dials=True)
    async def add_campaign_calls(self, campaign: str, calls: tuple[CampaignCall, ...]) -> tuple[Added, ...]:
        """Add up to `bulk_rows` calls in one order. Returns what became of each, in the same order."""
        raise AssertionError

    @operation("list the waiting calls of campaigns")
    async def campaign_calls(self, campaign: str) -> tuple[CampaignCall, ...]:
        """All calls that wait."""
        raise AssertionError

    @operation("list the members of campaigns")
    async def campaign_members(self, campaign: str) -> tuple[Member, ...]:
        """Who takes its calls."""
        raise AssertionError

    @operation("add members to campaigns")
    async def add_campaign_member(self, campaign: str, member: str) -> int:
        """Let an extension take its calls. Returns how many were added."""
        raise AssertionError

    @operation("remove members from campaigns")
    async def remove_campaign_member(self, campaign: str, member: str) -> int:
        """Let an extension take no more of its calls. Returns how many were removed."""
        raise AssertionError

    @operation("set the strategy of campaigns")
    async def set_campaign_strategy(self, campaign: str, strategy: Strategy) -> None:
        """How it paces itself."""
        raise AssertionError

    @operation("configure IVR campaigns")
    async def configure_ivr_campaign(self, campaign: str, settings: IvrSettings) -> None:
        """How many IVR calls run at the same time, and who takes over."""
        raise AssertionError


def operations() -> dict[str, str]:
    """Name -> phrase of every operation, in the order of the class."""
    members = vars(Operations).items()
    return {name: getattr(member, _REFUSES) for name, member in members if hasattr(member, _REFUSES)}


def dialling() -> frozenset[str]:
    """Names of the operations that may make somebody's phone ring."""
    return frozenset(name for name in operations() if getattr(vars(Operations)[name], _DIALS))
