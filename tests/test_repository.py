"""The repository itself: no secrets, no paths of one machine, and locked versions that fit what is declared."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from avexplore.store import checkout

ROOT = checkout()
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-[A-Za-z0-9_-]{32,}\b"
    r"|\bxox[baprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b|://[^/\s:@{}]+:[^/\s:@{}]{6,}@"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_secrets_are_tracked(tracked: list[Path]) -> None:
    assert SECRETS.search("-----BEGIN RSA PRIVATE " + "KEY-----"), "the pattern finds what it should"
    for path in tracked:
        text = path.read_bytes().decode("utf-8", "ignore")
        assert not SECRETS.search(text), path.relative_to(ROOT)


def test_every_dependency_is_locked_in_a_version_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for declared, file in (
        (project["dependencies"], "requirements.txt"),
        (project["optional-dependencies"]["test"], "requirements-test.txt"),
    ):
        lines = (ROOT / "requirements.txt").read_text() + (ROOT / file).read_text()
        locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", lines.lower().replace("_", "-"), re.MULTILINE))
        for requirement in map(Requirement, declared):
            name = requirement.name.lower().replace("_", "-")
            assert name in locked, f"{name} is missing in {file}: make lock"
            assert requirement.specifier.contains(locked[name]), f"{name} {locked[name]}: make lock"
