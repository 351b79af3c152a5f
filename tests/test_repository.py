"""The repository itself: no secrets, no paths of one machine, and locked versions that fit what is declared."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from avexplore.store import app_folder

ROOT = app_folder()
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    rb"|\bgithub_pat_[A-Za-z0-9_]{60,}|\bglpat-[A-Za-z0-9_-]{20}|\bsk-[A-Za-z0-9_-]{32,}\b|\b[sr]k_live_[A-Za-z0-9]{20,}"
    rb"|\bxox[baprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b|\bhf_[A-Za-z0-9]{34}\b|\bnpm_[A-Za-z0-9]{36}\b"
    rb"|\bpypi-[A-Za-z0-9_-]{50,}|\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.|://[^/\s:@{}]+:[^/\s:@{}]{6,}@"
)
# Cut in two here, so that the scan does not find its own examples.
EXAMPLES = (
    ("-----BEGIN RSA PRIVATE ", "KEY-----"),
    ("AKIA", "ABCDEFGHIJKLMNOP"),
    ("ghp_", "a1" * 18),
    ("github_pat_", "a1" * 32),
    ("glpat-", "a1" * 10),
    ("sk-", "a1" * 20),
    ("sk_live_", "a1" * 12),
    ("xoxb-", "123456789012-abcdef"),
    ("AIza", "a" * 35),
    ("hf_", "a" * 34),
    ("npm_", "a1" * 18),
    ("pypi-", "a1" * 30),
    ("eyJ" + "a" * 20, ".eyJ" + "b" * 20 + ".c"),
    ("https://someone:", "their-password@host.example"),
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def with_secrets(paths: list[Path]) -> list[Path]:
    return [path for path in paths if SECRETS.search(path.read_bytes())]


def test_no_secrets_are_tracked(tracked: list[Path]) -> None:
    assert len(tracked) > 100
    assert with_secrets(tracked) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=[start[:8] for start, _ in EXAMPLES])
def test_the_scan_finds_a_secret_among_other_things(example: tuple[str, str], tmp_path: Path) -> None:
    planted, clean = tmp_path / "settings.py", tmp_path / "clean.py"
    clean.write_text((ROOT / "avexplore" / "pipeline.py").read_text(encoding="utf-8"))
    planted.write_bytes(b"\xff\xfe binary, too\n" + clean.read_bytes() + f'\ntoken = "{"".join(example)}"\n'.encode())
    assert with_secrets([planted, clean]) == [planted]


def test_the_file_of_secrets_is_never_tracked(tracked: list[Path]) -> None:
    ignored = subprocess.run(["git", "check-ignore", "-q", ".streamlit/secrets.toml"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    assert not [path for path in tracked if path.name in ("secrets.toml", ".env", "cookie.key")]


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("avexplore_audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_audit_tells_found_from_nothing_known_from_not_looked(audit: ModuleType) -> None:
    fine = [{"name": f"package{i}", "version": "1", "vulns": []} for i in range(20)]
    flaw = {"id": "CVE-1", "fix_versions": ["1.1"], "description": "Reads too much.\nMore."}
    bad = {"name": "leaky", "version": "1.0", "vulns": [flaw]}
    unknown = [{"name": "other", "skip_reason": "not found"}] * 20
    text, code = audit.summary({"dependencies": fine})
    assert (code, text) == (0, "20 of 20 locked packages were looked up, 0 known vulnerabilities.")
    text, code = audit.summary({"dependencies": [*fine, bad]})
    assert code == 1
    assert "leaky 1.0: CVE-1, mended in 1.1. Reads too much." in text
    text, code = audit.summary({"dependencies": [*fine, *unknown]})
    assert code == 2
    assert text.count("\n") == 0
    assert "was not made" in text, "nobody shall take it for a finding, or for none"
    assert audit.summary({"dependencies": [bad, *unknown]})[1] == 1


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
