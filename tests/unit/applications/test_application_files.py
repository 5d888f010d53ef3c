from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.client_file import read_client
from gateway.applications.registry import ChangedKey, ClientRegistry, diff, read_clients
from gateway.applications.web_address import check_web_address
from gateway.settings import ConfigurationError

PLAIN = {
    "client_id": "suivi",
    "name": "{fr: Suivi}",
    "redirect_uris": "[https://suivi.demo.passerelle.test/callback]",
    "scopes": "[openid, profile]",
    "audience": "https://suivi.demo.passerelle.test",
    "role_application": "suivi",
}


def written(folder: Path, file: str = "suivi", **keys: str | None) -> Path:
    path = folder / f"{file}.yaml"
    lines = PLAIN | keys
    path.write_text("\n".join(f"{key}: {value}" for key, value in lines.items() if value is not None), "utf-8")
    return path


def read(folder: Path, *, loopback_http: bool = False, **keys: str | None) -> Client:
    return read_client(written(folder, **keys), loopback_http=loopback_http)


def refusal(folder: Path, **keys: str | None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(folder, **keys)
    return str(refused.value)


@pytest.mark.spec("OID-10")
def test_a_file_says_what_its_application_may_ask(tmp_path: Path) -> None:
    client = read(tmp_path, min_acr="urn:passerelle:acr:pwd-otp-mail", max_structures="12", id_token_algorithm="RS256")
    assert (client.client_id, dict(client.name)) == ("suivi", {"fr": "Suivi"})
    assert client.redirect_uris == ("https://suivi.demo.passerelle.test/callback",)
    assert client.scopes == {"openid", "profile"}
    assert client.authentication_method is ClientAuthenticationMethod.CLIENT_SECRET_BASIC
    assert (client.min_acr, client.max_structures) == ("urn:passerelle:acr:pwd-otp-mail", 12)
    assert (client.id_token_algorithm, client.legacy_no_pkce_reason) == ("RS256", None)


@pytest.mark.spec("OID-11")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"redirect_uri": "https://x.test/"}, "redirect_uri: no such key"),
        ({"client_secret": "abc"}, "client_secret: no secret stands in this file"),
        ({"name": "{fr: Suivi, secret: x}"}, "name.secret"),
        ({"client_id": None}, "client_id: this key is missing"),
        ({"client_id": "Suivi"}, "client_id: "),
        ({"client_id": "autre"}, "the file of autre is named autre.yaml"),
        ({"name": "{en: Suivi}"}, "name: write at least the French name"),
        ({"redirect_uris": "[]"}, "redirect_uris: "),
        ({"redirect_uris": "[https://x.test/, https://x.test/]"}, "redirect_uris: the same value is written twice"),
        ({"scopes": "[profile]"}, "scopes: `openid` is missing"),
        ({"scopes": "[openid, 'two words']"}, "scopes.1: a scope is a word"),
        ({"authentication_method": "client_secret_jwt"}, "authentication_method: "),
        ({"id_token_algorithm": "HS256"}, "id_token_algorithm: "),
        ({"id_token_algorithm": "none"}, "id_token_algorithm: "),
        ({"max_structures": "41"}, "max_structures: "),
        ({"max_structures": "true"}, "max_structures: "),
        ({"otp_interval_seconds": "2592001"}, "otp_interval_seconds: "),
        ({"audience": "''"}, "audience: "),
        ({"home_url": "http://suivi.demo.passerelle.test/"}, "home_url: use https"),
        ({"backchannel_logout_uri": "http://127.0.0.6:8092/logout"}, "backchannel_logout_uri: use https"),
        ({"backchannel_logout_uri": "https://x.test/logout#a"}, "backchannel_logout_uri: no wildcard, fragment"),
        ({"post_logout_redirect_uris": "[https://x.test/#a]"}, "post_logout_redirect_uris.0: no wildcard, fragment"),
    ],
)
def test_a_file_outside_the_schema_is_refused_with_the_file_and_the_key(
    tmp_path: Path, keys: dict[str, str | None], sentence: str
) -> None:
    message = refusal(tmp_path, **keys)
    assert message.startswith(f"{tmp_path / 'suivi.yaml'}: ")
    assert sentence in message


@pytest.mark.spec("OID-03")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"legacy_no_pkce": "true"}, "say why in legacy_no_pkce_reason"),
        ({"legacy_no_pkce_reason": "old"}, "there is no `legacy_no_pkce: true`"),
        (
            {"legacy_no_pkce": "true", "legacy_no_pkce_reason": "old", "authentication_method": "none"},
            "only a client with a secret",
        ),
        ({"legacy_no_pkce": "1", "legacy_no_pkce_reason": "old"}, "legacy_no_pkce: "),
    ],
)
def test_doing_without_pkce_needs_a_secret_and_a_reason(tmp_path: Path, keys: dict[str, str], sentence: str) -> None:
    assert sentence in refusal(tmp_path, **keys)
    allowed = read(tmp_path, legacy_no_pkce="true", legacy_no_pkce_reason="bought before 2015")
    assert allowed.legacy_no_pkce_reason == "bought before 2015"


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text("utf-8") + "\nscopes: [openid, rpps]", "utf-8")
    with pytest.raises(ConfigurationError, match="the key scopes is written twice"):
        read_client(path, loopback_http=False)


@pytest.mark.parametrize("content", [b"", b"- a", b"{", b"\xff", b"a: &a [*a, *b]", b"x: !!python/object:os.system {}"])
def test_what_is_not_a_file_of_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "suivi.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"suivi\.yaml"):
        read_client(path, loopback_http=False)


@pytest.mark.spec("OID-02")
@pytest.mark.parametrize(
    "address",
    [
        "http://application.test/callback",
        "http://127.0.0.1.application.test/callback",
        "https://*.application.test/callback",
        "https://application.test/*",
        "https://application.test/callback#part",
        "https://application.test/callback#",
        "https://person@application.test/callback",
        "https://application.test\\@other.test/",
        "https://Application.test/callback",
        "https://application.test./callback",
        "https://application.test",
        "https://application.test:99999/",
        "https:application.test/callback",
        "https:///callback",
        "//application.test/callback",
        "application://callback",
        "javascript:alert(1)//",
        "data:text/html,x",
        "https://application.test/a/../callback",
        "https://application.test/a/%2e%2e/callback",
        "https://application.test/a//callback",
        "https://application.test/a%2Fcallback",
        "https://application.test/call back",
        "https://my_application.test/callback",
        "https://appl%69cation.test/callback",
        "https://application..test/callback",
        "https://application.test:/callback",
        "https://application.test/callback?code=mine",
        "https://application.test/callback?lang=fr&st%61te=",
        "https://application.test/callback\n",
        "https://applicatiоn.test/callback",
        "",
    ],
)
@pytest.mark.parametrize("loopback_http", [False, True])
def test_an_address_that_could_be_read_in_two_ways_is_refused(address: str, loopback_http: bool) -> None:
    with pytest.raises(ValueError):
        check_web_address(address, loopback_http=loopback_http)


@pytest.mark.spec("OID-02")
@pytest.mark.parametrize("host", ["127.0.0.5:8091", "localhost:8091", "[::1]:8091"])
def test_plain_http_is_for_loopback_addresses_of_the_demo(host: str) -> None:
    check_web_address(f"http://{host}/callback", loopback_http=True)
    with pytest.raises(ValueError, match="use https"):
        check_web_address(f"http://{host}/callback", loopback_http=False)


NATIVE: dict[str, str | None] = {"application_type": "native", "authentication_method": "none"}


@pytest.mark.spec("OID-02", "RFC 8252 §7.3")
def test_a_native_application_may_be_answered_on_its_device(tmp_path: Path) -> None:
    addresses = "['http://127.0.0.1/callback', 'http://[::1]/callback', 'https://x.test/callback']"
    for loopback_http in (False, True):
        client = read(tmp_path, loopback_http=loopback_http, redirect_uris=addresses, **NATIVE)
        assert client.native
        assert client.redirect_uris[0] == "http://127.0.0.1/callback"
    assert not read(tmp_path, application_type="web").native
    assert not read(tmp_path).native


@pytest.mark.spec("OID-02", "RFC 8252 §8.3")
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://localhost/callback", "never at a name"),
        ("http://localhost:8080/callback", "never at a name"),
        ("http://127.0.0.2/callback", "never at a name"),
        ("http://[0:0:0:0:0:0:0:1]/callback", "never at a name"),
        ("http://127.1/callback", "use https"),
        ("http://2130706433/callback", "use https"),
        ("http://127.0.0.1:8080/callback", "without its port"),
        ("http://[::1]:8080/callback", "without its port"),
        ("http://127.0.0.1", "write the path too"),
        ("http://127.0.0.1:/callback", "the host is letters"),
        ("http://127.0.0.1.x.test/callback", "use https"),
        ("http://127.0.0.1@x.test/callback", "no wildcard, fragment, backslash or user name"),
        ("http://x.test/callback", "use https"),
        ("http://127.0.0.1/callback#part", "no wildcard, fragment"),
        ("http://127.0.0.1/callback?code=mine", "the query names"),
        ("HTTP://127.0.0.1/callback", "write a whole address"),
        ("fr.x.test:/callback", "write a whole address"),
        ("fr.x.test://callback", "write a whole address"),
    ],
)
def test_nothing_else_than_a_loopback_address_without_port(tmp_path: Path, address: str, sentence: str) -> None:
    for loopback_http in (False, True):
        with pytest.raises(ConfigurationError, match=r"redirect_uris\.1: ") as refused:
            read(
                tmp_path,
                loopback_http=loopback_http,
                redirect_uris=f"['https://x.test/callback', '{address}']",
                **NATIVE,
            )
        assert sentence in str(refused.value)


@pytest.mark.spec("OID-02", "OID-05")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"authentication_method": None}, "keeps no secret"),
        ({"authentication_method": "client_secret_post"}, "keeps no secret"),
        ({"application_type": "spa"}, "application_type: "),
        (
            {"redirect_uris": "['http://[::1]/callback']", "response_modes": "[query, form_post]"},
            "response_modes: browsers let no page post",
        ),
        ({"subject_type": "pairwise"}, "sector_identifier: name the host"),
        ({"home_url": "http://127.0.0.1/"}, "home_url: use https"),
        ({"post_logout_redirect_uris": "['http://127.0.0.1/']"}, "post_logout_redirect_uris.0: use https"),
        ({"backchannel_logout_uri": "http://127.0.0.1/out"}, "backchannel_logout_uri: use https"),
        ({"application_type": "web"}, "redirect_uris.0: use https"),
    ],
)
def test_a_native_application_is_public_and_only_answers_come_to_its_device(
    tmp_path: Path, keys: dict[str, str | None], sentence: str
) -> None:
    assert sentence in refusal(tmp_path, **{"redirect_uris": "['http://127.0.0.1/callback']", **NATIVE, **keys})


@pytest.mark.parametrize("address", ["https://application.test/", "https://application.test:8443/a.b/c?kind=oidc"])
def test_a_plain_https_address_is_accepted(address: str) -> None:
    check_web_address(address, loopback_http=False)


@given(st.text(max_size=60))
def test_no_address_makes_the_check_fall(address: str) -> None:
    for text in (address, f"https://{address}", f"https://a.test/{address}"):
        try:
            check_web_address(text, loopback_http=False)
        except ValueError:
            continue
        assert text.startswith("https://")


@pytest.mark.spec("OID-11")
def test_the_registered_applications_are_the_files_of_one_folder(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, "agenda", client_id="agenda")
    (tmp_path / "notes.txt").write_text("not an application")
    registry = ClientRegistry(tmp_path, loopback_http=False)
    assert [client.client_id for client in registry.all()] == ["agenda", "suivi"]
    assert registry.find("suivi") is registry.all()[1]
    assert registry.find("unknown") is None


def test_every_wrong_file_is_named_at_once(tmp_path: Path) -> None:
    written(tmp_path, scopes="[profile]")
    written(tmp_path, "agenda", client_id="agenda", audience=None)
    (tmp_path / "other.yml").write_text("client_id: other")
    with pytest.raises(ConfigurationError) as refused:
        read_clients(tmp_path, loopback_http=False)
    assert all(name in str(refused.value) for name in ("suivi.yaml", "agenda.yaml", "name it other.yaml"))


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        read_clients(tmp_path / "absent", loopback_http=False)


def test_files_are_read_again_only_when_asked_and_all_or_none(tmp_path: Path) -> None:
    written(tmp_path)
    registry = ClientRegistry(tmp_path, loopback_http=False)
    written(tmp_path, "agenda", client_id="agenda")
    written(tmp_path, max_structures="12", scopes="[openid, rpps]")
    assert registry.find("agenda") is None
    changes = registry.reload()
    assert (changes.added, changes.removed) == (("agenda",), ())
    assert changes.changed == (
        ChangedKey("suivi", "scopes", "openid profile", "openid rpps"),
        ChangedKey("suivi", "max_structures", "40", "12"),
    )
    (tmp_path / "agenda.yaml").write_text("broken")
    written(tmp_path, max_structures="13")
    with pytest.raises(ConfigurationError):
        registry.reload()
    found = registry.find("suivi")
    assert found is not None
    assert found.max_structures == 12
    (tmp_path / "agenda.yaml").unlink()
    assert registry.reload().removed == ("agenda",)


def test_two_equal_readings_have_no_difference(tmp_path: Path) -> None:
    written(tmp_path)
    once, again = (read_clients(tmp_path, loopback_http=False) for _ in range(2))
    assert not diff(once, again)


@pytest.mark.spec("SES-07")
def test_an_application_may_declare_where_it_is_told_that_a_session_ended(tmp_path: Path) -> None:
    assert read(tmp_path).backchannel_logout_uri is None
    address = "https://suivi.demo.passerelle.test/backchannel-logout"
    assert read(tmp_path, backchannel_logout_uri=address).backchannel_logout_uri == address
    loopback = "http://127.0.0.6:8092/backchannel-logout"
    assert read(tmp_path, loopback_http=True, backchannel_logout_uri=loopback).backchannel_logout_uri == loopback


ACTS = "[{audience: https://notif.test/api, scopes: [openid, ror]}]"


@pytest.mark.spec("OID-10")
def test_a_file_says_for_whom_its_application_may_act_and_who_may_act_for_it(tmp_path: Path) -> None:
    assert dict(read(tmp_path, token_exchange=ACTS).exchanges) == {"https://notif.test/api": {"openid", "ror"}}
    assert read(tmp_path, may_act="relais").may_act == "relais"
    nothing = read(tmp_path)
    assert (dict(nothing.exchanges), nothing.may_act) == ({}, None)
    api = {"redirect_uris": None, "scopes": None}
    assert read(tmp_path, token_exchange=ACTS, **api).redirect_uris == ()


@pytest.mark.spec("OID-05", "OID-10", "OID-11")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"token_exchange": ACTS, "authentication_method": "none"}, "token_exchange: who acts for people proves who"),
        ({"token_exchange": ACTS, "audience": "https://notif.test/api"}, "token_exchange: its own audience"),
        ({"token_exchange": f"[{ACTS[1:-1]}, {ACTS[1:-1]}]"}, "token_exchange: the same audience is written twice"),
        ({"token_exchange": "[{audience: https://notif.test/api, scopes: []}]"}, "token_exchange.0.scopes: "),
        ({"token_exchange": "[{audience: https://notif.test/api}]"}, "token_exchange.0.scopes: this key is missing"),
        ({"token_exchange": "[{scopes: [openid]}]"}, "token_exchange.0.audience: this key is missing"),
        ({"token_exchange": "[{audience: x, scopes: ['*']}]"}, "token_exchange.0.scopes.0: a scope is a word"),
        ({"token_exchange": "[{audience: x, scopes: [openid], actor: y}]"}, "token_exchange.0.actor: no such key"),
        ({"token_exchange": "true"}, "token_exchange: "),
        ({"may_act": "'Any One'"}, "may_act: "),
        ({"may_act": "'*'"}, "may_act: "),
        ({"may_act": "relais", "token_exchange": ACTS, "redirect_uris": None, "scopes": None}, "redirect_uris: "),
        ({"redirect_uris": None, "scopes": None}, "nobody could use this client"),
    ],
)
def test_acting_for_others_is_declared_to_the_letter(
    tmp_path: Path, keys: dict[str, str | None], sentence: str
) -> None:
    assert sentence in refusal(tmp_path, **keys)


def test_who_may_act_is_an_application_that_exchanges_tokens(tmp_path: Path) -> None:
    written(tmp_path, may_act="relais")
    with pytest.raises(ConfigurationError, match=r"suivi\.yaml: may_act: relais is no application here"):
        read_clients(tmp_path, loopback_http=False)
    actor = {"client_id": "relais", "redirect_uris": None, "scopes": None}
    written(tmp_path, "relais", **actor, service_scopes="[notif_read]")
    with pytest.raises(ConfigurationError, match="its token_exchange is empty"):
        read_clients(tmp_path, loopback_http=False)
    written(tmp_path, "relais", **actor, token_exchange=ACTS)
    assert set(read_clients(tmp_path, loopback_http=False)) == {"suivi", "relais"}


def test_a_change_in_what_may_be_exchanged_is_shown_in_one_order(tmp_path: Path) -> None:
    before = read(tmp_path, token_exchange=ACTS)
    after = read(tmp_path, token_exchange=ACTS.replace("openid, ror", "ror"))
    (changed,) = diff({"suivi": before}, {"suivi": after}).changed
    assert changed == ChangedKey(
        "suivi", "exchanges", "{'https://notif.test/api': 'openid ror'}", "{'https://notif.test/api': 'ror'}"
    )


SEVERAL = "[https://suivi.demo.passerelle.test/callback, https://autre.demo.passerelle.test/callback]"


@pytest.mark.spec("OID-16")
def test_a_file_says_in_which_sector_people_have_a_name(tmp_path: Path) -> None:
    assert read(tmp_path).sector is None
    assert read(tmp_path, subject_type="public", redirect_uris=SEVERAL).sector is None
    assert read(tmp_path, subject_type="pairwise").sector == "suivi.demo.passerelle.test"
    ports = "[https://suivi.demo.passerelle.test/a, https://suivi.demo.passerelle.test:8443/b]"
    assert read(tmp_path, subject_type="pairwise", redirect_uris=ports).sector == "suivi.demo.passerelle.test"
    named = {"subject_type": "pairwise", "sector_identifier": "passerelle.test"}
    for uris in (PLAIN["redirect_uris"], SEVERAL):
        assert read(tmp_path, redirect_uris=uris, **named).sector == "passerelle.test"
    service = {"redirect_uris": None, "scopes": None, "service_scopes": "[stats_read]"}
    assert read(tmp_path, **service, **named).sector == "passerelle.test"


@pytest.mark.spec("OID-11", "OID-16")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"subject_type": "hidden"}, "subject_type: "),
        ({"sector_identifier": "x.test"}, "sector_identifier: it is for `subject_type: pairwise` alone"),
        ({"subject_type": "public", "sector_identifier": "x.test"}, "sector_identifier: it is for"),
        ({"subject_type": "pairwise", "redirect_uris": SEVERAL}, "sector_identifier: name the host"),
        (
            {"subject_type": "pairwise", "redirect_uris": None, "scopes": None, "service_scopes": "[stats_read]"},
            "sector_identifier: name the host",
        ),
        ({"subject_type": "pairwise", "sector_identifier": "https://x.test/list.json"}, "sector_identifier: "),
        ({"subject_type": "pairwise", "sector_identifier": "X.test"}, "sector_identifier: "),
        ({"subject_type": "pairwise", "sector_identifier": "'x test'"}, "sector_identifier: "),
        ({"subject_type": "pairwise", "sector_identifier": "''"}, "sector_identifier: "),
        ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg: "),
        ({"userinfo_signed_response_alg": "HS256"}, "userinfo_signed_response_alg: "),
    ],
)
def test_a_sector_that_is_not_clear_is_refused(tmp_path: Path, keys: dict[str, str | None], sentence: str) -> None:
    assert sentence in refusal(tmp_path, **keys)


@pytest.mark.spec("OID-16")
def test_one_resource_server_does_not_learn_the_names_of_two_sectors(tmp_path: Path) -> None:
    written(tmp_path, subject_type="pairwise", sector_identifier="a.test")
    other = {"client_id": "autre", "redirect_uris": "[https://autre.demo.passerelle.test/callback]"}
    for keys in ({}, {"subject_type": "pairwise"}):
        written(tmp_path, "autre", **other, **keys)
        with pytest.raises(ConfigurationError, match=r"audience: autre is of another sector"):
            read_clients(tmp_path, loopback_http=False)
    written(tmp_path, "autre", **other, subject_type="pairwise", sector_identifier="a.test")
    assert {client.sector for client in read_clients(tmp_path, loopback_http=False).values()} == {"a.test"}
    # nobody signs in to the service behind it, so it knows people by whatever name a token brings
    written(tmp_path, "autre", **{**other, "redirect_uris": None}, scopes=None, service_scopes="[stats_read]")
    assert len(read_clients(tmp_path, loopback_http=False)) == 2


def test_a_change_of_sector_is_shown_to_who_reviews_it(tmp_path: Path) -> None:
    before, after = read(tmp_path), read(tmp_path, subject_type="pairwise")
    changes = diff({"suivi": before}, {"suivi": after}).changed
    assert changes == (ChangedKey("suivi", "sector", "None", "suivi.demo.passerelle.test"),)
