"""LiveKit's side of a line, over its API: reads, plans, and makes one change at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import cast

import aiohttp
from livekit import api
from pydantic import SecretStr

from sip.changes import Change, SideError
from sip.line import Line
from sip.livekit_side.objects import Wanted, objects_of
from sip.livekit_side.planning import Found, Info, Step, id_of, plan, plan_destroy

MEANWHILE = "somebody changed it meanwhile: run the command again"


def for_line(line: Line, client: api.LiveKitAPI, secrets: Mapping[str, str]) -> "LiveKitSide":
    """Raises `SideError` when the trunk's password is not among `secrets` (by name)."""
    name = line.credentials.password
    if not (password := secrets.get(name)):
        raise SideError(
            f"{name}, the password of the trunk, is not set: put {name}=… into .env, "
            "12 characters at least, with both cases and a digit"
        )
    return LiveKitSide(objects_of(line, SecretStr(password)), client)


class LiveKitSide:
    """A `sip.changes.Side`. A plan's changes are applied in its order, in one piece."""

    name = "livekit"

    def __init__(self, wanted: Wanted, client: api.LiveKitAPI) -> None:
        self._wanted = wanted
        self._sip = client.sip
        self._trunk_ids: dict[str, str] = {}

    async def plan(self) -> Sequence[Change]:
        planned = plan(self._wanted, await self._found())
        self._trunk_ids = dict(planned.trunk_ids)
        return [self._change(step) for step in planned.steps]

    async def plan_destroy(self) -> Sequence[Change]:
        return [self._change(step) for step in plan_destroy(self._wanted, await self._found())]

    async def _found(self) -> Found:
        with _said():
            inbound = await self._sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
            outbound = await self._sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
            rules = await self._sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        return Found(list(inbound.items), list(outbound.items), list(rules.items))

    def _change(self, step: Step) -> Change:
        async def do() -> None:
            with _said():
                await self._do(step)

        return Change(step.action, step.kind, step.name, do, step.fields)

    async def _do(self, step: Step) -> None:
        match step.action:
            case "delete":
                await self._delete(step)
            case "update":
                await self._update(step)
            case "create":
                await self._refuse_a_second(step)
                await self._create(step)

    async def _refuse_a_second(self, step: Step) -> None:
        """LiveKit takes a second object of the same name without a word."""
        found = await self._found()
        listed: Mapping[str, Sequence[Info]] = {
            "inbound trunk": found.inbound,
            "outbound trunk": found.outbound,
            "dispatch rule": found.rules,
        }
        if any(each.name == step.name for each in listed[step.kind]):
            raise SideError(MEANWHILE)

    async def _create(self, step: Step) -> None:
        match self._made(step):
            case api.SIPInboundTrunkInfo() as trunk:
                request = api.CreateSIPInboundTrunkRequest(trunk=trunk)
                made = await self._sip.create_inbound_trunk(request)
                self._trunk_ids[step.name] = id_of(made)
            case api.SIPOutboundTrunkInfo() as outbound:
                await self._sip.create_outbound_trunk(
                    api.CreateSIPOutboundTrunkRequest(trunk=outbound)
                )
            case rule:
                await self._sip.create_dispatch_rule(
                    api.CreateSIPDispatchRuleRequest(dispatch_rule=rule)
                )

    async def _update(self, step: Step) -> None:
        match self._made(step):
            case api.SIPInboundTrunkInfo() as trunk:
                await self._sip.update_inbound_trunk(step.id, trunk)
            case api.SIPOutboundTrunkInfo() as outbound:
                await self._sip.update_outbound_trunk(step.id, outbound)
            case rule:
                await self._sip.update_dispatch_rule(step.id, rule)

    async def _delete(self, step: Step) -> None:
        try:
            if step.kind == "dispatch rule":
                await self._sip.delete_dispatch_rule(
                    api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=step.id)
                )
            else:
                await self._sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=step.id))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise

    def _made(self, step: Step) -> Info:
        """The message to send: a rule gets its trunk's id, which a change before it may have made."""
        if not isinstance(step.info, api.SIPDispatchRuleInfo):
            return cast(Info, step.info)
        if step.trunk not in self._trunk_ids:
            raise SideError(f"there is no trunk {step.trunk!r} for it: run the command again")
        rule = api.SIPDispatchRuleInfo()
        rule.CopyFrom(step.info)
        rule.trunk_ids.append(self._trunk_ids[step.trunk])
        return rule


@contextmanager
def _said() -> Iterator[None]:
    """LiveKit's failures as `SideError`s that name the fix."""
    try:
        yield
    except api.TwirpError as error:
        raise SideError(_refusal(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SideError(
            f"LiveKit cannot be reached ({error or type(error).__name__}): "
            "start it with `parley up`, or correct LIVEKIT_URL"
        ) from error


def _refusal(error: api.TwirpError) -> str:
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "LiveKit refuses the key: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be its own"
    if error.code == api.TwirpErrorCode.NOT_FOUND:
        return MEANWHILE
    return f"LiveKit refuses it: {error.message or error.code}"
