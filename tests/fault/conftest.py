# SPDX-License-Identifier: Apache-2.0
"""The rig of the system tests, for the tests of this folder."""
import importlib.util
import sys
from pathlib import Path

system = Path(__file__).resolve().parents[1] / "system"
sys.path.insert(0, str(system))
spec = importlib.util.spec_from_file_location("system_fixtures", system / "conftest.py")
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
pytest_runtest_makereport, rig, sandbox = fixtures.pytest_runtest_makereport, fixtures.rig, fixtures.sandbox
