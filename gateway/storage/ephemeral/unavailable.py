"""What these stores raise beside their answers. A caller that does not catch it fails closed (THR-10)."""


class EphemeralStoreUnavailableError(Exception):
    """The engine did not answer in time, or not at all: whether the step happened is unknown."""


class RecordExistsError(Exception):
    """A record of this kind already has this handle: handles are drawn once, so a caller reused one."""
