"""Role host: the packages are there, and the services of new packages do not start by themselves."""

from __future__ import annotations

from testinfra.host import Host


def test_package_is_installed(host: Host) -> None:
    assert host.package("tree").is_installed


def test_service_of_a_new_package_waits_for_its_configuration(host: Host) -> None:
    assert host.package("nginx-light").is_installed
    assert not host.service("nginx").is_running


def test_package_lists_are_fetched_where_an_image_has_none(host: Host) -> None:
    assert host.run("apt-cache show tree").rc == 0
