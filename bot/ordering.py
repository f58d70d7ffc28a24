"""What a person asked for -> the order that the phone service gets: line, limits, options of every call, consent.

Nothing is dialled here, and nothing written down: `bot/dialing.py` does both.
"""

from typing import Any

from msgspec.structs import replace

from bot import call_options, consent, number_kinds, numbers, policy
from bot.board import Board
from bot.cards.times import counted
from bot.errors import NeedsConsent, NotAllowed, Unsupported
from bot.intents import Ask
from bot.orders import CallOrder, ConferenceOrder, MessageOrder, RepPhone, chosen
from bot.provider import Provider
from bot.store.people import Person

CONFERENCE_SECONDS = 7200
"""How long somebody may be in a conference where nobody has said; Voicenter's own end would be after half a minute."""


def order(
    board: Board, provider: Provider, call_id: str, ask: Ask, rep: Person
) -> tuple[CallOrder | ConferenceOrder, str]:
    """The order, and how the other side knows of its recording.

    Raises:
        NeedsConsent: it may be recorded if the other side knows; ask with `consented` if the person says so.
        NotAllowed, Unsupported: nothing can be dialled like that; says why and what to do.
    """
    if ask.conference:
        return _into_conference(board, provider, call_id, ask, rep), ""
    if not provider.can("place_call"):
        raise Unsupported(f"{provider.title} cannot place calls. Choose another account with “via”.")
    if ask.extension and "number_must_be_online" not in provider.order_options:
        if numbers.is_emergency(ask.number, board.settings.region):
            raise NotAllowed(policy.emergency(ask.number).words)
        raise Unsupported(_no_extensions(board, provider, ask.number))
    line = caller_id(board, provider, provider.order_options, ask.line, rep) or _default_line(board, provider)
    phone = RepPhone(rep.phone_kind, rep.phone)  # type: ignore[arg-type]  # the store keeps only the four kinds
    wanted = CallOrder(
        call_id=call_id,
        rep=phone,
        number=ask.number,
        caller_id=line,
        record=ask.record,
        max_seconds=ask.max_seconds or None,
        scenario="" if ask.scenario.casefold() == "line" else ask.scenario,
        line_scenario=ask.scenario.casefold() == "line",
        dial_digits=ask.dial_digits,
    )
    if wanted.dial_digits and "dial_digits" not in provider.order_options:
        raise Unsupported(_nothing_behind(board, provider, wanted.dial_digits))
    provider.refuse_unexpressible(wanted)
    full = _with_defaults(board, provider, wanted, extension=ask.extension, from_list=ask.from_list)
    agreed = _consent(board, provider, ask, full) if ask.record else consent.Consent()
    if agreed.question and not ask.consented:
        raise NeedsConsent(agreed.question, agreed.yes)
    return call_options.announced(full, agreed.play) if agreed.play else full, agreed.done


def message(board: Board, provider: Provider, order: MessageOrder) -> tuple[MessageOrder, str]:
    """The order of a voice message as the service gets it, and how the other side knows of its recording.

    Raises:
        NotAllowed: it cannot be recorded as the rules want it, or its line is not in the settings any more.
    """
    if order.caller_id and board.settings.line(order.caller_id) is None:
        raise NotAllowed(
            f"{numbers.pretty(order.caller_id)}, which the message was to show, is not one of your lines any more, so "
            "they were not called. Send it again from another line."
        )
    if order.ring_seconds:  # asked for before the policy said so, perhaps
        order = replace(order, ring_seconds=max(order.ring_seconds, board.settings.policy.ring_at_least))
    if not order.record:
        return order, ""
    agreed = consent.of_message(
        board.settings.recording,
        order.number,
        order.caller_id or ("" if order.caller_id_rule else _own_line(board, provider)),
        board.settings.region,
        can_play=bool(order.text) and "text" in provider.message_options,
    )
    return replace(order, text=f"{agreed.play} {order.text}"), agreed.done


def _into_conference(board: Board, provider: Provider, call_id: str, ask: Ask, rep: Person) -> ConferenceOrder:
    """One phone rings, with those options of every call that such an order has."""
    if not provider.can("join_conference"):
        raise Unsupported(
            f"{provider.title} cannot call people into conferences. Nothing was dialled; choose another account with "
            "“via”."
        )
    known = provider.conference_options
    wanted = ConferenceOrder(
        call_id=call_id,
        phone=RepPhone("extension" if ask.extension else "number", ask.number),
        conference=ask.conference,
        caller_id=caller_id(board, provider, known, ask.line, rep),
        max_seconds=ask.max_seconds or None,
    )
    provider.refuse_unexpressible(wanted)
    given = {"max_seconds": CONFERENCE_SECONDS} | {
        name: value for name, value in _given(board, provider, wanted).items() if value or name != "max_seconds"
    }
    more = {
        name: given[name]
        for name in given.keys() & known
        if not getattr(wanted, name) and (ask.extension or name not in call_options.TO_EXTENSIONS)
    }
    return replace(wanted, **more)


def _with_defaults(
    board: Board, provider: Provider, wanted: CallOrder, *, extension: bool, from_list: bool
) -> CallOrder:
    """The order with what the settings say of every call of that account and line, where it goes with this one.

    Whoever is called from a list is given as long to answer as the policy says: many countries' rules for selling do.
    """
    given = _given(board, provider, wanted)
    full = call_options.with_defaults(wanted, given, extension=extension)
    if from_list and full.ring_seconds:
        full = replace(full, ring_seconds=max(full.ring_seconds, board.settings.policy.ring_at_least))
    return call_options.without(full, provider.clashing(full) - chosen(wanted))


def _given(board: Board, provider: Provider, wanted: CallOrder | ConferenceOrder) -> dict[str, Any]:
    """What the settings say of every call of that account and line.

    Raises:
        NotAllowed: somebody wants it to last longer.
    """
    given = board.settings.call_options(provider.account, wanted.caller_id)
    longest = given.get("max_seconds")
    if longest and wanted.max_seconds and wanted.max_seconds > longest:
        raise NotAllowed(
            f"Calls {'of this line' if wanted.caller_id else f'via {provider.title}'} last {_length(longest)} at most, "
            "as your admin has set it. Nothing was dialled; write a shorter “max”, or none."
        )
    return given


def _length(seconds: int) -> str:
    return counted(seconds // 60, "minute") if seconds % 60 == 0 and seconds > 60 else counted(seconds, "second")


def _no_extensions(board: Board, provider: Provider, number: str) -> str:
    able = [name for name, one in board.providers.items() if "number_must_be_online" in one.order_options]
    advice = [f"choose “via {able[0]}”"] if able else []
    advice.append("type the whole number")
    if number_kinds.is_short(number, board.settings.region):
        advice.append("dial a short number on your own phone")
    advice[-1] = f"or {advice[-1]}" if len(advice) > 1 else advice[-1]
    steps = (", " if len(advice) > 2 else " ").join(advice)
    return f"{provider.title} cannot call extensions like {number}, only whole numbers. Nothing was dialled; {steps}."


def _nothing_behind(board: Board, provider: Provider, digits: str) -> str:
    able = [name for name, one in board.providers.items() if "dial_digits" in one.order_options]
    choose = f"choose “via {able[0]}”, or " if able else ""
    return (
        f"{provider.title} cannot dial {digits.replace('.', '')} once they have answered. Nothing was dialled; "
        f"{choose}call the number alone and press the keys on your phone."
    )


def _consent(board: Board, provider: Provider, ask: Ask, full: CallOrder) -> consent.Consent:
    return consent.decide(
        board.settings.recording,
        ask.number,
        full.caller_id,
        board.settings.region,
        running=False,
        can_play="customer_message" in provider.order_options and call_options.can_announce(full),
    )


def _default_line(board: Board, provider: Provider) -> str:
    """E.164 of the line that the account's calls go out from where nobody has chosen one; "" = that is not known.

    With a rule of its own the service may show any number of the account.
    """
    if board.settings.call_options(provider.account, "").get("caller_id_rule"):
        return ""
    return _own_line(board, provider)


def _own_line(board: Board, provider: Provider) -> str:
    """E.164 of the number that the account's settings say calls go out from by themselves, "" = none."""
    number = provider.default_line()
    line = board.settings.line(number) if number else None
    return number if line is None or line.account in ("", provider.account) else ""


def caller_id(board: Board, provider: Provider, options: frozenset[str], asked: str, rep: Person) -> str:
    """E.164 of the line that is shown, "" = the provider's own. `options`: that the provider has for such an order.

    A default line that the provider cannot express, that is another account's, or that the settings have no more, is
    simply not used; one that was asked for is refused by the provider.
    """
    own = board.settings.line(rep.line)
    fits = "caller_id" in options and own is not None and own.account in ("", provider.account)
    return asked or (rep.line if fits else "")
