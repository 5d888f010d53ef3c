"""The declared networks, and how a post is known to be shared."""

from pathlib import Path

import pytest

from gateway.settings import ConfigurationError
from gateway.signin.shared_post.networks import DeclaredNetworks, read_networks
from gateway.signin.shared_post.post import Post, Posts, SharedBy, may_be_marked_from

ROOT = Path(__file__).resolve().parents[4]
HOSPITAL = """
networks:
  - name: CH fictif
    cidrs: [192.0.2.0/24, "2001:db8:10::/48"]
  - name: Urgences
    cidrs: [192.0.2.64/27]
    shared: true
  - name: Salle de garde
    cidrs: [192.0.2.80/28]
"""


def read(folder: Path, text: str) -> DeclaredNetworks:
    file = folder / "networks.yaml"
    file.write_text(text, "utf-8")
    return read_networks(file)


@pytest.mark.parametrize(
    ("address", "post"),
    [
        ("192.0.2.7", Post("CH fictif")),
        ("2001:db8:10::1", Post("CH fictif")),
        ("192.0.2.64", Post("Urgences", SharedBy.NETWORK)),
        ("192.0.2.95", Post("Urgences", SharedBy.NETWORK)),  # inside the narrower one too, which cannot relax it
        ("192.0.2.96", Post("CH fictif")),
        ("198.51.100.1", Post()),
        ("2001:db8:11::1", Post()),
        ("", Post()),
        ("not an address", Post()),
    ],
)
def test_a_post_is_where_its_address_is_declared_and_nowhere_else(tmp_path: Path, address: str, post: Post) -> None:
    assert Posts(read(tmp_path, HOSPITAL)).of(address, None) == post


@pytest.mark.spec("SES-11")
@pytest.mark.parametrize(
    ("mark", "shared"),
    [("policy", SharedBy.POLICY), ("choice", SharedBy.CHOICE), ("no", SharedBy.CHOICE), ("", SharedBy.CHOICE)],
)
def test_any_mark_makes_a_post_shared_and_none_undoes_its_network(tmp_path: Path, mark: str, shared: SharedBy) -> None:
    posts = Posts(read(tmp_path, HOSPITAL))
    assert posts.of("198.51.100.1", mark) == Post(None, shared)
    assert posts.of("192.0.2.7", mark) == Post("CH fictif", shared)
    assert posts.of("192.0.2.70", mark) == Post("Urgences", SharedBy.NETWORK)


def test_without_mark_a_post_is_ordinary() -> None:
    assert Posts(DeclaredNetworks()).of("192.0.2.7", None) == Post()


@pytest.mark.parametrize(
    ("said", "may"), [("none", True), ("same-origin", True), ("cross-site", False), ("same-site", False), (None, False)]
)
def test_only_the_person_their_start_page_and_we_may_mark_a_browser(said: str | None, may: bool) -> None:
    assert may_be_marked_from(said) is may


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("networks: [{name: A, cidrs: [192.0.2.1/24]}]", "has host bits set"),
        ("networks: [{name: A, cidrs: [hôpital]}]", "cidrs"),
        ("networks: [{name: A, cidrs: []}]", "cidrs"),
        ("networks: [{name: A}]", "cidrs: this key is missing"),
        ("networks: [{name: '', cidrs: [192.0.2.0/24]}]", "name"),
        ("networks: [{cidrs: [192.0.2.0/24]}]", "name: this key is missing"),
        ("networks: [{name: A, cidrs: [0.0.0.0/0]}]", "everybody's"),
        ("networks: [{name: A, cidrs: ['::/0']}]", "everybody's"),
        ("networks: [{name: A, cidrs: ['::ffff:192.0.2.0/120']}]", "write the IPv4 network itself"),
        ("networks: [{name: A, cidrs: [192.0.2.0/24], shared: perhaps}]", "shared"),
        ("networks: [{name: A, cidrs: [192.0.2.0/24], share: true}]", "share: no such key"),
        ("networks: [{name: A, cidrs: [192.0.2.0/24]}, {name: A, cidrs: [198.51.100.0/24]}]", "A is written twice"),
        ("networks: [{name: A, cidrs: [192.0.2.0/24]}, {name: B, cidrs: [192.0.2.0/24]}]", "192.0.2.0/24 is written"),
        ("network: []", "no such key"),
    ],
)
def test_a_file_in_doubt_is_refused_whole_and_says_where(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read(tmp_path, text)


def test_the_reference_tenant_declares_nothing_and_its_example_reads(tmp_path: Path) -> None:
    file = ROOT / "idp_config" / "networks.yaml"
    assert Posts(read_networks(file)).of("192.0.2.70", None) == Post()
    lines = file.read_text("utf-8").splitlines()
    example = lines[lines.index("#   networks:") : lines.index("networks: []")]
    posts = Posts(read(tmp_path, "\n".join(line.removeprefix("#   ") for line in example)))
    assert posts.of("192.0.2.70", None).shared is SharedBy.NETWORK
    assert posts.of("192.0.2.7", None) == Post("CH de la Garrigue (fictif)")
