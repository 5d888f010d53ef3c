"""The networks that establishments declare: `idp_config/networks.yaml` (DECISIONS 23).

An address of a network declared `shared` makes its post a shared one; the name of a network is the only place that a journal
line ever gives. Refuses a file in doubt: an unknown key, a network that is not one, a name or a network written twice, the
whole Internet.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.applications.declared_file import Declared, read_declared

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> str:
    """Refuses what no address could be in: peers of IPv4 always have their IPv4 address here, never the mapped one."""
    network = ipaddress.ip_network(text)
    if network.prefixlen == 0:
        raise ValueError(f"{text} is everybody's address, not an establishment's network")
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{text}: write the IPv4 network itself")
    return text


def _each_once(networks: "tuple[_Network, ...]") -> "tuple[_Network, ...]":
    names = [network.name for network in networks]
    cidrs = [str(ipaddress.ip_network(cidr)) for network in networks for cidr in network.cidrs]
    for written in (names, cidrs):
        twice = next((one for one in written if written.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is written twice")
    return networks


class _Network(Declared):
    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
    cidrs: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(min_length=1)
    shared: bool = Field(default=False, strict=True)


class _NetworksFile(Declared):
    networks: Annotated[tuple[_Network, ...], AfterValidator(_each_once)] = ()


@dataclass(frozen=True, slots=True)
class DeclaredNetwork:
    name: str
    cidrs: tuple[IpNetwork, ...]
    shared: bool


class DeclaredNetworks:
    def __init__(self, networks: Sequence[DeclaredNetwork] = ()) -> None:
        self._known = [(cidr, network) for network in networks for cidr in network.cidrs]

    def of(self, address: str) -> DeclaredNetwork | None:
        """The network that this address is in. Of one inside another: the one that says shared, for it can only be stricter,
        and otherwise the narrowest."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return None
        around = [(cidr, network) for cidr, network in self._known if ip.version == cidr.version and ip in cidr]
        return max(around, key=lambda one: (one[1].shared, one[0].prefixlen))[1] if around else None


def read_networks(path: Path) -> DeclaredNetworks:
    """The networks in `path`; ConfigurationError names file and key."""
    declared, _ = read_declared(path, _NetworksFile)
    return DeclaredNetworks(
        [
            DeclaredNetwork(one.name, tuple(ipaddress.ip_network(cidr) for cidr in one.cidrs), one.shared)
            for one in declared.networks
        ]
    )
