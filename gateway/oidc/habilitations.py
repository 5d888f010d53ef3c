"""All that a person holds in the calling application: structures, rights, ends (DECISIONS 10, TOK-05, TOK-08).

For the rights that did not fit in a token, and for whoever wants the ends of each. Pages are in the order of the structures'
identifiers and begin after the last one read, so that a right given or lost meanwhile neither hides nor repeats another.
"""

import re
from typing import Any

from gateway.clock import iso_utc
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.oidc.told_person import ToldPeople
from gateway.signin.request_context import RequestContext

SCOPE = "ror"
PAGE = 200
"""Structures of one answer, when fewer are not asked."""
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_STRUCTURE_LIMIT = 128


class MyHabilitations:
    def __init__(self, people: ToldPeople) -> None:
        self._people = people

    async def answer(
        self,
        authorization: str | None,
        unverified: UnverifiedParameters,
        context: RequestContext,
        proofs: SenderProofs = NO_PROOFS,
    ) -> dict[str, Any]:
        """`next` is there as long as something is left: `after` of the next question. Raises BearerProblem."""
        limit, after = _asked(unverified)
        told = await self._people.told(authorization, context, proofs, resource="habilitations", needs=SCOPE)
        rights = told.rights
        if rights is None:
            raise BearerProblem("insufficient_scope", "no rights", status=403, demand={"scope": SCOPE})
        held = sorted(rights.structures, key=lambda structure: structure.id)
        left = [structure for structure in held if structure.id > after]
        page = left[:limit]
        return {
            "sub": told.sub,
            "structures": [
                {
                    "id": item.id,
                    "name": item.name,
                    "roles": list(item.roles),
                    "entitlements": list(item.entitlements),
                    "end": item.end,
                }
                for item in page
            ],
            "structures_total": len(held),
            **({"next": page[-1].id} if len(page) < len(left) else {}),
            "roles_version": rights.version,
            **({"roles_as_of": iso_utc(rights.as_of)} if rights.as_of is not None else {}),
        }


def _asked(unverified: UnverifiedParameters) -> tuple[int, str]:
    limit, after = unverified.get("limit", str(PAGE)), unverified.get("after", "")
    if unverified.repeated or not _NUMBER.fullmatch(limit) or int(limit) > PAGE or len(after) > _STRUCTURE_LIMIT:
        raise BearerProblem("invalid_request", "limit or after", status=400)
    return int(limit), after
