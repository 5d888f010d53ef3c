"""One of several processes on one SQLite store: run as a program by the tests, it does one thing and prints what came out.

Arguments: address, action, count, and the action's handle when it has one.
"""

import asyncio
import sys

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import open_ephemeral
from tests.contract.ephemeral.ephemeral_samples import NOW, WRONG_MAC, a_grant, a_transaction, because_of
from tests.contract.ephemeral.test_ephemeral_throttle import FREE


def main(url: str, action: str, times: int, handle: str = "") -> None:
    store = open_ephemeral(url, system_randomness)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(times):
        match action:
            case "open":
                transaction = a_transaction()
                store.transactions.open(transaction, because_of(transaction.handle))
                print(transaction.handle, flush=True)
            case "redeem":
                code, _ = asyncio.run(store.grants.find_code(handle, NOW)) or (None, None)
                assert code is not None
                done = store.grants.redeem_code(
                    handle, a_grant(code), NOW, if_redeemed=because_of("redeemed"), if_replayed=because_of("replayed")
                )
                print(asyncio.run(done), flush=True)
            case "guess":
                verdict, _ = store.one_time_codes.attempt(
                    handle, WRONG_MAC, NOW, if_accepted=NO_EFFECTS, if_wrong=because_of("wrong")
                )
                print(verdict, flush=True)
            case "admit":
                print(store.throttle.admit(handle, FREE, NOW, NO_EFFECTS).failures, flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
