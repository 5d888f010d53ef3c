"""What a request carries to prove which key its sender holds, and the key that a token is then bound to (RFC 7800)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SenderProofs:
    """`dpop`: the DPoP header. `certificate`, `chain`: the fields of RFC 9440, already believed to be our proxy's."""

    method: str
    path: str
    dpop: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    chain: str = field(default="", repr=False)


NO_PROOFS = SenderProofs("", "")


@dataclass(frozen=True, slots=True)
class Binding:
    """`jkt`: of a DPoP key (RFC 9449 §6.1); `x5t`: of a certificate (RFC 8705 §3.1); or none."""

    jkt: str | None = None
    x5t: str | None = None

    @property
    def confirmation(self) -> dict[str, dict[str, str]]:
        """The `cnf` claim, if there is one."""
        if self.jkt is not None:
            return {"cnf": {"jkt": self.jkt}}
        return {"cnf": {"x5t#S256": self.x5t}} if self.x5t is not None else {}

    @property
    def token_type(self) -> str:
        return "Bearer" if self.jkt is None else "DPoP"

    @property
    def kind(self) -> str:
        """Of the method; empty when there is none."""
        return self.name.partition(" ")[0]

    @property
    def name(self) -> str:
        """As stores and comparisons hold it: the method and the key; empty when there is none."""
        if self.jkt is not None:
            return f"jkt {self.jkt}"
        return f"x5t#S256 {self.x5t}" if self.x5t is not None else ""


UNBOUND = Binding()
