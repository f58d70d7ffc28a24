"""What every provider must keep, found by its folder: its samples are read and sent as written, all else is refused.

How a sample is written stands in `tests/provider_samples.py`. Nothing in here, nor in what a provider must keep when
its service fails (`test_provider_failures.py`), of credentials (`test_provider_credentials.py`) and of what is damaged
(`test_provider_damage.py`), is edited for a new one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import msgspec
import pytest

from bot.decide import KINDS as KINDS_OF_STEPS
from bot.errors import ProviderError, Refused, Unreadable, Unsupported
from bot.events import Accepted, AnyEvent
from bot.hooks import Answer, Question, Reply
from bot.operations import Operations, operations
from bot.orders import BASICS, SAID, CallOrder, Order, RepPhone, options
from bot.providers import provider_class
from tests.provider_samples import (
    FOLDER,
    KINDS,
    ORDERS,
    Raw,
    argument,
    arguments,
    assert_no_secret,
    assert_same_request,
    configured,
    conversation,
    meaning,
    offline,
    raw,
    sample_files,
    successful,
    webhook_request,
)


def webhook_samples() -> Iterator[Any]:
    for kind in KINDS:
        for file in sample_files(kind, "webhooks"):
            yield pytest.param(kind, file, id=f"{kind}-{file.stem}")


def operation_samples() -> Iterator[Any]:
    for kind in KINDS:
        for name in operations():
            for file in sample_files(kind, f"operations/{name}"):
                yield pytest.param(kind, name, file, id=f"{kind}-{name}-{file.stem}")


def returned(name: str, told: Any) -> Any:
    """The sample's "returns" as what the operation's signature promises."""
    kind = get_type_hints(getattr(Operations, name).__wrapped__)["return"]
    return event(told) if kind is Accepted else None if kind is type(None) else msgspec.convert(told, kind)


def event(told: dict[str, Any]) -> AnyEvent:
    converted: AnyEvent = msgspec.convert({"at": 0, **told}, AnyEvent)
    return converted


def without_time(one: object) -> object:
    return msgspec.structs.replace(one, at=0) if isinstance(one, Accepted) else one


def same_reply(reply: Reply, told: dict[str, Any]) -> bool:
    return {"status": reply.status, "body": reply.body.decode(), "content_type": reply.content_type} == told


def test_every_folder_is_named() -> None:
    folders = {file.parent.name for file in FOLDER.glob("*/__init__.py")}
    assert folders == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_has_its_meaning_beside_it(kind: str) -> None:
    files = [file for file in (FOLDER / kind / "samples").rglob("*") if file.is_file()]
    named = {file.with_suffix("") for file in files}
    assert set(files) == {name.with_suffix(suffix) for name in named for suffix in (".http", ".json")}
    places = {file.parent.relative_to(FOLDER / kind / "samples").as_posix() for file in files}
    assert places <= {"webhooks", *(f"operations/{name}" for name in operations())}


@pytest.mark.parametrize(("kind", "file"), list(webhook_samples()))
def test_webhook_reads_as_written(kind: str, file: Path) -> None:
    told = meaning(file)
    provider = configured(kind, offline, told.get("region", "IL"))
    request = webhook_request(raw(file.read_bytes()))
    if "raises" in told:
        assert told["raises"] == "Unreadable"
        with pytest.raises(Unreadable) as caught:
            provider.read_webhook(request)
        assert str(caught.value).endswith(".")
        assert_no_secret(caught.value)
        return
    webhook = provider.read_webhook(request)
    assert list(webhook.events) == [event(one) for one in told["events"]]
    assert all(one.ref for one in webhook.events)
    assert webhook.question == (msgspec.convert(told["question"], Question) if told.get("question") else None)
    assert same_reply(webhook.reply, told["reply"])
    for pair in told.get("answers", []):
        assert webhook.question is not None
        assert same_reply(provider.write_answer(webhook.question, said(pair["answer"])), pair["reply"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if provider_class(kind).hook_paths])
def test_nothing_has_happened_that_is_yet_to_come(kind: str) -> None:
    """Of a service whose clock is hours ahead, or whose times are of another zone: calls back would come too early."""
    for file in sample_files(kind, "webhooks"):
        told, request = meaning(file), webhook_request(raw(file.read_bytes()))
        if told.get("events"):
            provider = configured(kind, offline, told.get("region", "IL"))
            now = min(one["at"] for one in told["events"]) - 3 * 3600
            events = provider.read_webhook(msgspec.structs.replace(request, received_at=now)).events
            assert [type(one) for one in events] == [type(event(one)) for one in told["events"]], file.stem
            assert max(one.at for one in events) <= now + 300, file.stem


@pytest.mark.parametrize("name", ["call_state", "active_calls"])
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_found_out_that_is_yet_to_come(kind: str, name: str, tmp_path: Path) -> None:
    """The same of what is asked for."""
    for file in successful(kind, name) if provider_class(kind).can(name) else ():
        told, answers = meaning(file), iter(response for _, response in conversation(file))

        def answer(request: httpx.Request, answers: Iterator[Raw] = answers) -> httpx.Response:
            response = next(answers)
            return httpx.Response(int(response.start[1]), headers=response.headers, content=response.body)

        if told.get("events"):
            provider = configured(kind, answer, told.get("region", "IL"))
            now = min(one["at"] for one in told["events"]) - 3 * 3600
            provider.clock = lambda now=now: now  # type: ignore[attr-defined]
            events = await getattr(provider, name)(**arguments(name, told, tmp_path))
            assert events, file.stem
            assert max(one.at for one in events) <= now + 300, file.stem


def said(told: dict[str, Any]) -> Answer:
    """An answer of a sample; a step is written as in a flow, with what it does under "do"."""
    step = dict(told.get("step", {}))
    kind = KINDS_OF_STEPS[step.pop("do")] if step else None
    return Answer(**told | ({"step": msgspec.convert(step, kind)} if kind else {}))


@pytest.mark.parametrize(("kind", "name", "file"), list(operation_samples()))
async def test_operation_speaks_as_written(kind: str, name: str, file: Path, tmp_path: Path) -> None:
    told = meaning(file)
    exchanges = conversation(file)

    def answer(request: httpx.Request) -> httpx.Response:
        expected, response = exchanges.pop(0)
        assert_same_request(request, expected)
        return httpx.Response(int(response.start[1]), headers=response.headers, content=response.body)

    act = getattr(configured(kind, answer, told.get("region", "IL")), name)
    if "raises" in told:
        expected = told["raises"]
        with pytest.raises(ProviderError) as caught:
            await act(**arguments(name, told, tmp_path))
        assert type(caught.value).__name__ == expected["error"]
        if isinstance(caught.value, Refused):
            assert caught.value.code == expected.get("code", "")
            assert caught.value.words == expected["words"]
        assert_no_secret(caught.value)
    elif "events" in told:
        assert list(await act(**arguments(name, told, tmp_path))) == [event(one) for one in told["events"]]
    else:
        got = await act(**arguments(name, told, tmp_path))
        assert without_time(got) == without_time(returned(name, told["returns"]))
    if "file" in told:
        assert (tmp_path / "file").read_text() == told["file"]
    assert not exchanges, "all requests of the sample were sent"


@pytest.mark.parametrize("name", operations())
@pytest.mark.parametrize("kind", KINDS)
async def test_every_operation_is_sampled_or_refused(kind: str, name: str) -> None:
    provider = configured(kind, offline)
    if provider.can(name):
        assert successful(kind, name)
        return
    with pytest.raises(Unsupported) as caught:
        await getattr(provider, name)()
    assert str(caught.value) == f"{provider.title} cannot {operations()[name]}."
    assert not sample_files(kind, f"operations/{name}")


SOMETHING: dict[object, object] = {
    **{"str": "something", "bool": True, "int | None": 30, "Speech | None": {"text": "something"}},
    "Mapping": {"name": "value"},
}
"""A value of each type that an option may have."""


@pytest.mark.parametrize(("order", "option"), [(order, option) for order in ORDERS for option in options(order)])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_option_is_sampled_or_refused(kind: str, order: type[Order], option: str) -> None:
    name, attribute = ORDERS[order]
    provider = configured(kind, offline)
    known = getattr(provider, attribute)
    assert known <= options(order).keys()
    if not provider.can(name):
        assert not known
        return
    orders = [meaning(file)["order"] for file in successful(kind, name)]
    if option in known:
        assert any(option in one for one in orders)
        return
    told = options(order)[option]
    something = SOMETHING[str(getattr(told.type, "__name__", told.type)).replace("bot.orders.", "")]
    basics = {key: value for key, value in orders[0].items() if key in BASICS[order]}
    with pytest.raises(Unsupported, match=SAID.get(option, option.replace("_", " "))):
        await getattr(provider, name)(argument(order, {**basics, option: something}, Path()))


@pytest.mark.parametrize("phone", ["number", "extension", "login", "trunk", "employee"])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_rep_phone_is_sampled_or_refused(kind: str, phone: Any) -> None:
    provider = configured(kind, offline)
    if not provider.can("place_call"):
        return
    orders = [meaning(file)["order"] for file in successful(kind, "place_call")]
    if phone in provider.rep_phones:
        assert any(order["rep"]["kind"] == phone for order in orders)
        return
    with pytest.raises(Unsupported, match=f"{provider.title} cannot .*{phone}"):
        await provider.place_call(CallOrder(call_id="call-1", rep=RepPhone(phone, "1"), number=orders[0]["number"]))
