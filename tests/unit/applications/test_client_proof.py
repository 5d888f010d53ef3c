"""What an application's file says of its proofs, and the FAPI 2.0 profile in one line (OID-05, OID-08, OID-18)."""

import json
from pathlib import Path

import pytest

from gateway.applications.client import Client, SenderConstraint
from gateway.applications.client_file import read_client
from gateway.settings import ConfigurationError
from tests.protocol.proofs import public

THUMBPRINT = "A" * 43


def jwks(algorithm: str = "ES256") -> str:
    return json.dumps({"keys": [{**public(algorithm), "kid": "first", "alg": algorithm}]})


def read(folder: Path, **keys: str) -> Client:
    lines = {
        "client_id": "suivi",
        "name": "{fr: Suivi}",
        "redirect_uris": "[https://suivi.demo.passerelle.test/callback]",
        "scopes": "[openid]",
        "audience": "https://suivi.demo.passerelle.test",
        "role_application": "suivi",
        **keys,
    }
    path = folder / "suivi.yaml"
    path.write_text("\n".join(f"{key}: {value}" for key, value in lines.items()), "utf-8")
    return read_client(path, loopback_http=False)


@pytest.mark.spec("OID-05")
def test_a_file_names_the_certificate_of_its_application(tmp_path: Path) -> None:
    kept = read(
        tmp_path,
        authentication_method="tls_client_auth",
        tls_client_auth_subject_dn="'CN=suivi, O=Établissement fictif, C=FR'",
    )
    assert kept.certificate_name == ("subject_dn", "CN=suivi,O=Établissement fictif,C=FR")
    kept = read(tmp_path, authentication_method="tls_client_auth", tls_client_auth_san_ip="'2001:DB8:0::1'")
    assert kept.certificate_name == ("san_ip", "2001:db8::1")
    kept = read(
        tmp_path, authentication_method="self_signed_tls_client_auth", certificate_thumbprints=f"[{THUMBPRINT}]"
    )
    assert kept.certificate_thumbprints == {THUMBPRINT}
    kept = read(tmp_path, authentication_method="private_key_jwt", jwks=jwks(), sender_constraint="mtls")
    assert (kept.keys[0].kid, kept.sender_constraint) == ("first", SenderConstraint.MTLS)
    assert not kept.has_secret
    assert read(tmp_path).sender_constraint is SenderConstraint.NONE


@pytest.mark.spec("OID-05", "OID-11")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"authentication_method": "private_key_jwt"}, "jwks: private_key_jwt needs"),
        ({"authentication_method": "self_signed_tls_client_auth"}, "certificate_thumbprints: write them, or the keys"),
        ({"authentication_method": "tls_client_auth"}, "tls_client_auth_subject_dn: name the certificate"),
        (
            {
                "authentication_method": "tls_client_auth",
                "tls_client_auth_san_dns": "a.example",
                "tls_client_auth_san_email": "a@b.example",
            },
            "tls_client_auth_subject_dn: name the certificate",
        ),
        (
            {"tls_client_auth_san_dns": "a.example"},
            "tls_client_auth_san_dns: only authentication_method: tls_client_auth",
        ),
        (
            {"authentication_method": "tls_client_auth", "tls_client_auth_subject_dn": "nobody"},
            "tls_client_auth_subject_dn: write it as certificates do",
        ),
        (
            {"authentication_method": "tls_client_auth", "tls_client_auth_san_ip": "api.example"},
            "tls_client_auth_san_ip: write it as certificates do",
        ),
        ({"certificate_thumbprints": f"[{THUMBPRINT}]"}, "certificate_thumbprints: only"),
        (
            {"authentication_method": "self_signed_tls_client_auth", "certificate_thumbprints": "[abc]"},
            "certificate_thumbprints: write each as base64url",
        ),
        ({"sender_constraint": "bearer"}, "sender_constraint: "),
        ({"profile": "fapi1"}, "profile: "),
    ],
)
def test_a_file_that_proves_nothing_or_too_much_is_refused_with_a_sentence(
    tmp_path: Path, keys: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"suivi.yaml: {sentence}"):
        read(tmp_path, **keys)


@pytest.mark.spec("OID-18")
def test_one_line_is_the_whole_fapi_2_profile(tmp_path: Path) -> None:
    kept = read(tmp_path, authentication_method="private_key_jwt", jwks=jwks(), profile="fapi2", refresh_tokens="true")
    assert kept.fapi2
    assert kept.require_pushed_authorization_requests
    assert kept.sender_constraint is SenderConstraint.DPOP
    assert not kept.rotates_refresh_tokens
    kept = read(
        tmp_path,
        authentication_method="self_signed_tls_client_auth",
        certificate_thumbprints=f"[{THUMBPRINT}]",
        profile="fapi2",
    )
    assert kept.sender_constraint is SenderConstraint.MTLS
    assert read(tmp_path, authentication_method="client_secret_post").rotates_refresh_tokens


@pytest.mark.spec("OID-18")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"authentication_method": "client_secret_basic"}, "authentication_method: client_secret_basic is not of"),
        ({"authentication_method": "none"}, "authentication_method: none is not of"),
        ({"sender_constraint": "none"}, "sender_constraint: the FAPI 2.0 profile binds"),
        ({"legacy_no_pkce": "true", "legacy_no_pkce_reason": "old"}, "legacy_no_pkce: the FAPI 2.0 profile has PKCE"),
        ({"require_pushed_authorization_requests": "false"}, "require_pushed_authorization_requests: the FAPI 2.0"),
        ({"id_token_algorithm": "RS256"}, "id_token_algorithm: RS256 is not of"),
        ({"userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg: RS256 is not of"),
        ({"jwks": jwks("RS256")}, "jwks.0: RS256 is not of"),
    ],
)
def test_a_file_that_contradicts_the_profile_is_refused_with_a_sentence(
    tmp_path: Path, keys: dict[str, str], sentence: str
) -> None:
    kept = {"authentication_method": "private_key_jwt", "jwks": jwks(), "profile": "fapi2", **keys}
    with pytest.raises(ConfigurationError, match=f"suivi.yaml: {sentence}"):
        read(tmp_path, **kept)
