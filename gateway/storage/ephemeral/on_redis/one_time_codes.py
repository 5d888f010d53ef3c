"""One-time codes under way: one step counts a try and compares (OTP-03, OTP-04); a resend keeps the tries used (OTP-05)."""

from gateway.journal.effects import Effects
from gateway.signin.ports import CodeChallenge, CodeVerdict
from gateway.storage.ephemeral.addresses import Address, address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_challenge, load_challenge
from gateway.storage.ephemeral.lifetimes import RESEND_SECONDS, challenge_kept_until
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key
from gateway.storage.ephemeral.unavailable import RecordExistsError


class RedisOneTimeCodes:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def begin(self, challenge: CodeChallenge, effects: Effects) -> None:
        begun = self._link.run(
            "challenge_begin",
            [_key(drawn_address(challenge.id, challenge.account_id))],
            challenge.sent_at,
            challenge.mac.hex(),
            challenge.send_number,
            challenge.expires_at,
            challenge.attempts_left,
            challenge_kept_until(challenge.sent_at, challenge.expires_at),
            dump_challenge(challenge),
            self._pack(effects),
        )
        if not begun:
            raise RecordExistsError("challenge")

    def find(self, challenge_id: str, now: float) -> CodeChallenge | None:
        address = address_of(challenge_id)
        if address is None:
            return None
        document, kept_until, mac, send_number, sent_at, expires_at, attempts_left, undelivered = self._link.read(
            "HMGET", _key(address),
            "document", "kept_until", "mac", "send_number", "sent_at", "expires_at", "attempts_left", "undelivered",
        )  # fmt: skip
        if document is None or now >= float(kept_until):
            return None
        return load_challenge(
            document,
            challenge_id,
            mac=bytes.fromhex(mac.decode()),
            send_number=int(send_number),
            sent_at=float(sent_at),
            expires_at=float(expires_at),
            attempts_left=int(attempts_left),
            undelivered=undelivered is not None,
        )

    def note_undelivered(self, challenge_id: str, now: float) -> bool:
        address = address_of(challenge_id)
        return address is not None and bool(self._link.run("challenge_undelivered", [_key(address)], now))

    def resend(self, challenge: CodeChallenge, *, expected_send_number: int, effects: Effects) -> bool:
        return bool(
            self._link.run(
                "challenge_resend",
                [_key(drawn_address(challenge.id, challenge.account_id))],
                challenge.sent_at,
                challenge.mac.hex(),
                challenge.send_number,
                challenge.expires_at,
                expected_send_number,
                RESEND_SECONDS,
                self._pack(effects),
            )
        )

    def attempt(
        self, challenge_id: str, mac: bytes, now: float, *, if_accepted: Effects, if_wrong: Effects
    ) -> tuple[CodeVerdict, int]:
        address = address_of(challenge_id)
        if address is None:
            return CodeVerdict.DEAD, 0
        verdict, left = self._link.run(
            "challenge_attempt", [_key(address)], now, mac.hex(), self._pack(if_accepted), self._pack(if_wrong)
        )
        return CodeVerdict(verdict.decode()), int(left)


def _key(address: Address) -> str:
    return key(address.partition, "challenge", address.digest)
