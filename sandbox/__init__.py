"""The outside world, played locally for the demo and the tests: a mailbox, a phone, two sample applications.

Made of strangers: it knows the gateway only as the rest of the world does, by HTTP, SMTP and one shared clock file.
It refuses to start outside the `demo` and `test` profiles, and on any address that is not loopback.
"""

from sandbox.options import SandboxOptions, SandboxRefusal
from sandbox.running import RunningSandbox, run

__all__ = ["RunningSandbox", "SandboxOptions", "SandboxRefusal", "run"]
