# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `rig` (a folder with a sandbox), `daemon` (a csrelayd with one connection to each CRM, started)."""
import pytest

from rig import Rig


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.failed = report.failed


@pytest.fixture
def rig(request):
    it = Rig(**getattr(request, "param", {}))
    yield it
    bad, logs = it.close(getattr(request.node, "failed", True))
    print(logs)
    assert not bad, "a process did not end well"


@pytest.fixture
def idle(rig):
    """Configured, not yet started."""
    d = rig.daemon()
    for crm in ("hubspot", "housecall_pro", "webhook"):
        d.connect(crm)
    return d


@pytest.fixture
def daemon(idle):
    return idle.start()


@pytest.fixture
def sandbox(rig):
    return rig.sandbox
