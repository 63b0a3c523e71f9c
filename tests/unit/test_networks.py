"""The addresses of this computer, which a user types into a phone."""

import socket
import sys

import pytest

from entrain.platform import networks


def test_each_address_is_one_of_this_computer_and_reaches_others():
    found = networks.addresses()
    if not found:
        pytest.skip("this computer has no network")
    for address in found:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))  # raises for the address of another computer
        assert not address.startswith("127.")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its networks so")
def test_each_network_is_asked_and_one_without_an_address_is_left_out(monkeypatch):
    names = [(1, "lo"), (2, "no-such-network")]
    monkeypatch.setattr(socket, "if_nameindex", lambda: names)
    assert networks.addresses() == {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        assert networks._address(asking, "lo") == "127.0.0.1"
        assert networks._address(asking, "no-such-network") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its networks so")
def test_a_computer_without_networks_has_no_address(monkeypatch):
    def fail() -> None:
        raise OSError

    monkeypatch.setattr(socket, "if_nameindex", fail)
    assert networks.addresses() == {}
