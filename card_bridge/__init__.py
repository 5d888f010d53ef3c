"""The card bridge of the workstation: lets an allowed page ask for one authentication by professional card, no more.

`run` is the whole public surface: readers, a window and the origins that may call go in, a bridge on loopback comes out.
"""

from card_bridge.running import RunningBridge, run

__all__ = ["RunningBridge", "run"]
