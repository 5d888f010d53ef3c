"""A worker serves machines before it loads what only people, other engines or rare commands need (decision record 0005)."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LATER = {
    "alembic", "authlib", "flask", "phonenumbers", "psycopg", "requests", "segno", "sqlalchemy.dialects.postgresql", "webauthn",
    "gateway.signin.pages", "gateway.signin.psc.relying_party", "gateway.wiring.people_door",
}  # fmt: skip


def test_the_machine_door_is_there_without_what_is_loaded_later() -> None:
    program = "import json, sys, gateway.cli.serve, gateway.wiring.application; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert LATER.isdisjoint(json.loads(done.stdout))
