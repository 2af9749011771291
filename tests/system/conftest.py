# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `rig` (a folder with a sandbox), `daemon` (a csrelayd with a connection to each CRM that the test needs, started)."""
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
def idle(rig, request):
    """Configured, not yet started: the CRM that the test is about. Each costs a process, and a second where sanitizers watch."""
    d = rig.daemon()
    about = request.node.callspec.params.get("crm") if hasattr(request.node, "callspec") else None
    for crm in [about] if about else ("hubspot", "housecall_pro", "webhook"):
        d.connect(crm)
    return d


@pytest.fixture
def daemon(idle):
    return idle.start()


@pytest.fixture
def sandbox(rig):
    return rig.sandbox
