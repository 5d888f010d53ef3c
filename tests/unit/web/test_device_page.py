"""The device page: a signature goes to the rules, anything else leads to a code."""

from dataclasses import replace

import pytest

from gateway.refusal import Refusal
from gateway.signin.device.cookie import with_device
from gateway.signin.journey import Step
from tests.unit.web.world import CAMILLE, HANDLE, ORIGIN, Door

PAGE = f"/signin/{HANDLE}/device"


@pytest.fixture
def door() -> Door:
    door = Door()
    door.journey.step = Step.DEVICE
    door.journey.txn = replace(door.journey.txn, account_id=CAMILLE.id)
    door.client.set_cookie("__Host-device", with_device(None, CAMILLE.id, "device-1"))
    return door


def test_the_page_gives_the_browser_what_it_signs_and_a_way_without(door: Door) -> None:
    html = door.client.get(PAGE).get_data(as_text=True)
    assert 'data-challenge="the-challenge"' in html and f'data-origin="{ORIGIN}"' in html
    assert "Recevoir un code" in html and "<noscript>" in html


def test_a_signature_is_judged_by_the_rules(door: Door) -> None:
    response = door.send(PAGE, signature="A" * 86)
    assert door.devices.signatures == [("device-1", bytes(64))]
    assert response.headers["Location"] == f"/signin/{HANDLE}"


@pytest.mark.parametrize("signature", ["", "A" * 85, "A" * 87, "é" * 86])
def test_no_signature_means_a_code(door: Door, signature: str) -> None:
    response = door.send(PAGE, signature=signature)
    assert (door.devices.skipped, door.devices.signatures) == (1, [])
    assert response.headers["Location"] == f"/signin/{HANDLE}"


def test_a_wrong_signature_means_a_code(door: Door) -> None:
    door.devices.refusal = Refusal("wrong signature")
    door.send(PAGE, signature="A" * 86)
    assert door.devices.skipped == 1
    assert door.client.get(f"/signin/{HANDLE}").headers["Location"].endswith("/code")
