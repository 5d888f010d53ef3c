"""One-time codes under way: one step counts a try and compares (OTP-03, OTP-04); a resend keeps the tries used (OTP-05)."""

import hmac
import sqlite3

from gateway.journal.effects import Effects
from gateway.signin.ports import CodeChallenge, CodeVerdict
from gateway.storage.ephemeral.addresses import address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_challenge, load_challenge
from gateway.storage.ephemeral.lifetimes import RESEND_SECONDS, challenge_kept_until
from gateway.storage.ephemeral.on_sqlite.database import Database
from gateway.storage.ephemeral.unavailable import RecordExistsError


class SqliteOneTimeCodes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, challenge: CodeChallenge, effects: Effects) -> None:
        address = drawn_address(challenge.id, challenge.account_id)
        try:
            with self._database.step() as step:
                step.run(
                    "INSERT INTO challenges (digest, begun_at, send_number, sent_at, mac, expires_at, attempts_left,"
                    " kept_until, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    address.digest,
                    challenge.sent_at,
                    challenge.send_number,
                    challenge.sent_at,
                    challenge.mac,
                    challenge.expires_at,
                    challenge.attempts_left,
                    challenge_kept_until(challenge.sent_at, challenge.expires_at),
                    dump_challenge(challenge).decode(),
                )
                step.append(effects)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("challenge") from error

    def find(self, challenge_id: str, now: float) -> CodeChallenge | None:
        address = address_of(challenge_id)
        if address is None:
            return None
        row = self._database.row(
            "SELECT document, mac, send_number, sent_at, expires_at, attempts_left, undelivered FROM challenges"
            " WHERE digest = ? AND ? < kept_until",
            address.digest,
            now,
        )
        if not row:
            return None
        document, mac, send_number, sent_at, expires_at, attempts_left, undelivered = row
        return load_challenge(
            document,
            challenge_id,
            mac=mac,
            send_number=send_number,
            sent_at=sent_at,
            expires_at=expires_at,
            attempts_left=attempts_left,
            undelivered=bool(undelivered),
        )

    def note_undelivered(self, challenge_id: str, now: float) -> bool:
        address = address_of(challenge_id)
        if address is None:
            return False
        with self._database.step() as step:
            noted = step.run(
                "UPDATE challenges SET undelivered = 1 WHERE digest = ? AND ? < kept_until", address.digest, now
            )
        return noted == 1

    def resend(self, challenge: CodeChallenge, *, expected_send_number: int, effects: Effects) -> bool:
        address = drawn_address(challenge.id, challenge.account_id)
        with self._database.step() as step:
            changed = step.run(
                "UPDATE challenges SET mac = ?, send_number = ?, sent_at = ?, expires_at = ?,"
                " kept_until = max(kept_until, ?) WHERE digest = ? AND send_number = ? AND ? < begun_at + ?",
                challenge.mac,
                challenge.send_number,
                challenge.sent_at,
                challenge.expires_at,
                challenge.expires_at,
                address.digest,
                expected_send_number,
                challenge.sent_at,
                RESEND_SECONDS,
            )
            if changed:
                step.append(effects)
        return changed == 1

    def attempt(
        self, challenge_id: str, mac: bytes, now: float, *, if_accepted: Effects, if_wrong: Effects
    ) -> tuple[CodeVerdict, int]:
        address = address_of(challenge_id)
        if address is None:
            return CodeVerdict.DEAD, 0
        with self._database.step() as step:
            row = step.row(
                "SELECT mac, attempts_left - 1 FROM challenges"
                " WHERE digest = ? AND ? < expires_at AND attempts_left > 0",
                address.digest,
                now,
            )
            if not row:
                return CodeVerdict.DEAD, 0
            expected_mac, left = row
            accepted = hmac.compare_digest(expected_mac, mac)
            if accepted or left == 0:
                step.run("DELETE FROM challenges WHERE digest = ?", address.digest)
            else:
                step.run("UPDATE challenges SET attempts_left = ? WHERE digest = ?", left, address.digest)
            step.append(if_accepted if accepted else if_wrong)
        return (CodeVerdict.ACCEPTED if accepted else CodeVerdict.WRONG), left
