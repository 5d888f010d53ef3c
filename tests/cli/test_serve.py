"""What would make the gateway die at its start is said before it starts."""

import socket


def test_an_address_in_use_is_a_sentence(deployment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        deployment.settings(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        ran = deployment.process("serve")
    assert ran.code == 1
    assert "change `listen`" in ran.err
    assert "Traceback" not in ran.err


def test_a_lost_key_encryption_key_is_a_sentence(deployment):
    (deployment.folder / "var" / "kek.key").unlink()
    for command in ("serve", "jobs"):
        ran = deployment.process(command)
        assert (ran.code, "kek.key" in ran.err, "Traceback" in ran.err) == (1, True, False)
