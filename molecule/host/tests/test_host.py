"""Role host: packages are installed, and services of new packages wait for their configuration."""

from __future__ import annotations

from testinfra.host import Host


def test_package_is_installed(host: Host) -> None:
    assert host.package("tree").is_installed


def test_service_of_a_new_package_waits_for_its_configuration(host: Host) -> None:
    assert host.package("nginx-light").is_installed
    assert not host.service("nginx").is_running


def test_package_lists_are_fetched_where_an_image_has_none(host: Host) -> None:
    assert host.run("apt-cache show tree").rc == 0


def test_library_imports_with_the_python_of_the_host(host: Host) -> None:
    library = "/usr/local/lib/flaskyard"
    modules = host.check_output(f"cd {library}/flaskyard && find . -name '*.py' | sed 's,^./,,; s,/,.,g; s,.py$,,'").split()
    assert "_slots.gate" in modules
    program = "import importlib, sys; sys.path.insert(0, sys.argv[1]); [importlib.import_module(f'flaskyard.{name}') for name in sys.argv[2:]]"
    assert host.run(f'cd / && /usr/bin/python3 -IB -c "{program}" {library} {" ".join(modules)}').stderr == ""
    assert host.run(f"/usr/bin/python3 -IB {library} _slots.gate").rc == 0
    assert host.check_output(f"find {library} ! -user root -o -perm /022 -o -name __pycache__") == ""
