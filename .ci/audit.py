"""Known vulnerabilities in the locked versions, in a few lines.

python .ci/audit.py requirements.txt [requirements-test.txt ...]

Exit codes: 1 something is known; 0 nothing is known, or too little could be looked up, which the line says.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

LEAST_SHARE = 0.9
"""Of the packages that must have been looked up before silence means anything."""


def summary(report: Mapping[str, Any]) -> tuple[str, int]:
    """What pip-audit's JSON says, for people; 1 if something is known, 2 if too little could be looked up, else 0."""
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    found = [(package, flaw) for package in packages for flaw in package.get("vulns", ())]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw['fix_versions']) or 'no version yet'}. {flaw.get('description', '').splitlines()[0][:100]}"
        for package, flaw in found
    ]
    seen = len(packages) - len(skipped)
    if not found and seen < LEAST_SHARE * len(packages):
        count = f"{seen} of {len(packages)}"
        return f"The dependency audit was not made: only {count} packages could be looked up from here.", 2
    lines.append(f"{seen} of {len(packages)} locked packages were looked up, {len(found)} known vulnerabilities.")
    return "\n".join(lines), int(bool(found))


def audit(files: list[str]) -> dict[str, Any]:
    """Ask pip-audit; the second service is asked where the first one knows hardly anything."""
    best: dict[str, Any] | None = None
    for service in ("pypi", "osv"):
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        command += ["--format", "json", "--vulnerability-service", service, "--timeout", "20"]
        for file in files:
            command += ["--requirement", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            report: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            reason = (done.stderr.strip().splitlines() or ["no answer"])[-1][:300]
            report = {"dependencies": [{"name": "all", "skip_reason": f"{service}: {reason}"}]}
        if best is None or _looked_up(report) > _looked_up(best):
            best = report
        if summary(best)[1] != 2:
            break
    assert best is not None
    return best


def _looked_up(report: Mapping[str, Any]) -> int:
    return sum("skip_reason" not in package for package in report["dependencies"])


if __name__ == "__main__":
    text, code = summary(audit(sys.argv[1:]))
    print(text)
    sys.exit(code == 1)
