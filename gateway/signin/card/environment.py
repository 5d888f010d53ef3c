"""One environment of cards as `idp_config/card.yaml` declares it: whose certificates, which cards, which bridge (§7.3, SV-15).

Trust anchors are files named with their SHA-256; the files themselves are the operator's. In the demo, and there alone, they
are the sandbox's, made at start: their list stands in `anchors.yaml` beside them. Refuses the demo's anchors elsewhere, cards
of employees without their range, ranges that never hold cards, and any number beyond its bound.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from gateway.applications.declared_file import Declared, read_declared
from gateway.settings import ConfigurationError, Profile

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Address = Annotated[str, Field(pattern=r"^https?://[a-z0-9.:\[\]-]+/[!-~]*$", max_length=400)]
Oid = Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,9})){1,20}$")]
Port = Annotated[StrictInt, Field(ge=1024, le=65535)]
Range = Literal["fort", "standard"]
"""Those whose PERSONNES authority issues cards (§2.1). ELEMENTAIRE and ORGANISATIONS never hold cards: no word here."""

ANCHORS_OF_THE_DEMO = "anchors.yaml"
CPS, CPE = 0, 2


class Limits(Declared):
    """Seconds: BRG-07 and DECISIONS 12 for the nonce; how often revocation lists are looked for (§2.5)."""

    nonce_seconds: StrictInt = Field(default=120, ge=30, le=120)
    nonce_renewed_seconds: StrictInt = Field(default=300, ge=30, le=300)
    crl_refresh_seconds: StrictInt = Field(default=3600, ge=1, le=24 * 3600)
    crl_retry_seconds: StrictInt = Field(default=300, ge=1, le=3600)


class Anchor(Declared):
    """A pinned authority. Its list comes from `crl_url`, or from the file `crl` that the operator refreshes beside the
    certificate; with both, from the file. `subject` is for those who read the list."""

    file: FileName
    sha256: str = Field(pattern=r"^[0-9A-Fa-f]{64}$")
    role: Literal["root", "issuing"]
    subject: str = Field(default="", max_length=400)
    crl: FileName | None = None
    crl_url: Address | None = None

    @property
    def has_list(self) -> bool:
        return self.crl is not None or self.crl_url is not None


class _AnchorList(Declared):
    anchors: tuple[Anchor, ...] = Field(min_length=1, max_length=20)


class CardEnvironment(Declared):
    """`name` says which hierarchy this is: the agency's, its test hierarchy, or the demo's look-alike."""

    name: Literal["production", "test", "demo"]
    anchors: tuple[Anchor, ...] = Field(default=(), max_length=20)
    accepted_ranges: tuple[Range, ...] = Field(default=("fort",), min_length=1)
    accepted_card_types: tuple[StrictInt, ...] = Field(default=(CPS,), min_length=1)
    """TRE_G02: 0 CPS, 1 CPF, 2 CPE, 3 CPA. Others are told the way out."""
    policy_oids: tuple[Oid, ...] = ()
    """When not empty, a certificate names one of these (unknown for production until a real card is read: U3, U4)."""
    refused_policy_oids: tuple[Oid, ...] = ()
    smartcard_logon: StrictBool = True
    """The extended usage that the contact authentication profile has, and that a technical certificate has no reason for."""
    bridge_ports: tuple[Port, ...] = Field(default=(17583, 27583, 37583), min_length=1, max_length=5)
    limits: Limits = Limits()

    @property
    def is_production(self) -> bool:
        return self.name == "production"

    @property
    def bridge_origins(self) -> tuple[str, ...]:
        """Where a page may look for the bridge, in order."""
        return tuple(f"http://127.0.0.1:{port}" for port in self.bridge_ports)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "standard" in self.accepted_ranges and CPE not in self.accepted_card_types:
            raise ValueError(
                "accepted_ranges: `standard` is for cards of employees; accept card type 2 too, or leave it out"
            )
        if self.name == "demo" and self.anchors:
            raise ValueError("anchors: the demo's are made at its start; leave them out")
        if self.name != "demo" and not self.anchors:
            raise ValueError("anchors: name the authorities, each with its file and its SHA-256")
        return self


def read_card_environment(path: Path, *, profile: Profile, certificates: Path) -> CardEnvironment:
    """The environment in `path`, with its anchors; `certificates` is the folder of their files. ConfigurationError says what
    to change."""
    environment, _ = read_declared(path, CardEnvironment)
    if (environment.name == "demo") != (profile == "demo"):
        raise ConfigurationError(f"{path}: name: `demo` is for the demo profile, and the demo profile for nothing else")
    if environment.name != "demo":
        return environment
    listed, _ = read_declared(certificates / ANCHORS_OF_THE_DEMO, _AnchorList)
    return environment.model_copy(update={"anchors": listed.anchors})
