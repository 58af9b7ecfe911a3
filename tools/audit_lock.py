"""Known vulnerabilities of the locked packages: `python -m tools.audit_lock`, a part of `make lint`.

pip-audit asks a service for each package of requirements.lock. Where no service knows anything (no network, or a mirror
without that part, which pip-audit takes for "nothing found") the audit is skipped and says so: a service counts only if
it knows the flaws of an old release that is known to have some.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashion.core.console import replace_unknown
from fashion.core.errors import FashionError
from fashion.core.paths import project_root

#: Services in the order of asking, as pip-audit's options.
SERVICES = (("--vulnerability-service", "pypi"), ("--vulnerability-service", "osv"))

#: A release with known flaws (CVE-2019-10906 among them): who does not know them, knows nothing.
CONTROL = "jinja2==2.10"

#: Seconds for the question about the control, and for the whole lock; and for one answer.
CONTROL_SECONDS, LOCK_SECONDS, ANSWER_SECONDS = 60.0, 300.0, 5


class AuditError(FashionError):
    """The lock has known vulnerabilities that nobody has looked at, or the audit cannot be made."""


@dataclass(frozen=True)
class Finding:
    """One known vulnerability of one locked package."""

    package: str
    version: str
    names: tuple[str, ...]
    mended: tuple[str, ...]

    def __str__(self) -> str:
        cure = f"mended in {', '.join(self.mended)}" if self.mended else "not mended in any release"
        return f"{self.package} {self.version}: {', '.join(self.names)}; {cure}"


@dataclass(frozen=True)
class Audit:
    """What the audit found.

    Attributes
    ----------
    skipped : str
        Why nothing could be asked; empty if it could.
    packages : int
        How many were audited.
    findings, ignored : list of Finding
        Those that count, and those that pyproject.toml says to ignore.
    unknown : list of str
        Packages that the service does not know.
    """

    skipped: str = ""
    packages: int = 0
    findings: list[Finding] = field(default_factory=list)
    ignored: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def ignored_vulnerabilities(pyproject: Path | None = None) -> dict[str, str]:
    """Vulnerability -> why it is ignored, from `[tool.fashion.ignored-vulnerabilities]` of pyproject.toml.

    Raises
    ------
    AuditError
        When one has no reason of at least three words.
    """
    path = pyproject or project_root() / "pyproject.toml"
    tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    found = tool.get("fashion", {}).get("ignored-vulnerabilities", {})
    for name, reason in found.items():
        if not isinstance(reason, str) or len(reason.split()) < 3:
            raise AuditError(f"expected a reason, in words, to ignore {name} in {path}; found {reason!r}")
    return dict(found)


class _Crashed(Exception):
    """pip-audit ended without an answer; the message is the end of what it said."""


def _ask(requirements: Path, service: Sequence[str], seconds: float) -> list[dict[str, Any]] | None:
    """pip-audit's list of packages; None where the service did not answer in time.

    Raises
    ------
    _Crashed
        When pip-audit ends without a list.
    """
    with tempfile.TemporaryDirectory() as cache:  # its own would be pip's, for which pip is asked, slowly
        command = [
            sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip",
            "--format", "json", "--progress-spinner", "off", "--timeout", str(ANSWER_SECONDS), "--cache-dir", cache,
            *service,
        ]  # fmt: skip
        try:
            ended = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        try:
            found: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
        except (ValueError, KeyError) as error:
            raise _Crashed(f"it ended with {ended.returncode}: {ended.stderr.strip()[-600:]}") from error
        return found


def _knows_control(control: Path, service: Sequence[str]) -> bool:
    """Whether a service answers, and knows the control's flaws."""
    try:
        return bool(_findings(_ask(control, service, CONTROL_SECONDS) or []))
    except _Crashed:  # so it does where it reaches no service
        return False


def _findings(packages: Sequence[Mapping[str, Any]]) -> list[Finding]:
    return [
        Finding(
            package["name"],
            package["version"],
            tuple(dict.fromkeys([flaw["id"], *flaw.get("aliases", [])])),
            tuple(flaw.get("fix_versions", [])),
        )
        for package in packages
        for flaw in package.get("vulns", [])
    ]


def audit(
    lock: Path, ignored: Mapping[str, str], services: Sequence[Sequence[str]] = SERVICES, seconds: float = LOCK_SECONDS
) -> Audit:
    """Ask the first service that knows the control about every package of a lock.

    Parameters
    ----------
    lock : Path
        Requirements pinned by `==`.
    ignored : mapping of str to str
        Vulnerability, by any of its names -> the reason.
    services : sequence of sequences of str
        pip-audit's options that name each.
    seconds : float
        Time limit for the lock.

    Returns
    -------
    Audit
        Skipped where no service knows the control, or the one that does gives no answer in time.

    Raises
    ------
    AuditError
        When pip-audit is not installed, or ends without an answer about the lock.
    """
    if importlib.util.find_spec("pip_audit") is None:
        raise AuditError("expected pip-audit in this environment; it is not installed. Run `make env`")
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control.txt"
        control.write_text(f"{CONTROL}\n", encoding="utf-8")
        service = next((service for service in services if _knows_control(control, service)), None)
    if service is None:
        return Audit(skipped=f"no vulnerability service could be reached (none knows the flaws of {CONTROL})")
    try:
        packages = _ask(lock, service, seconds)
    except _Crashed as error:
        raise AuditError(
            f"expected pip-audit's answer about {lock}, as its service knows the flaws of {CONTROL}; {error}. Where "
            "the network broke off, run `make lint` again; otherwise mend what the message says."
        ) from error
    if packages is None:
        return Audit(skipped=f"the vulnerability service gave no whole answer within {seconds:.0f} s")
    found = _findings(packages)
    passed = [flaw for flaw in found if set(flaw.names) & set(ignored)]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    counted = [flaw for flaw in found if flaw not in passed]
    return Audit("", len(packages) - len(unknown), counted, passed, unknown)


def main() -> int:
    """Audit requirements.lock: 0 if nothing counts or nothing could be asked, 1 with what was found."""
    replace_unknown()
    try:
        ignored = ignored_vulnerabilities()
        found = audit(project_root() / "requirements.lock", ignored)
        print("\n".join(summary(found, ignored)), flush=True)
        judge(found)
    except AuditError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    return 0


def summary(found: Audit, ignored: Mapping[str, str]) -> list[str]:
    """The audit in words, line by line."""
    if found.skipped:
        return [f"audit: SKIPPED, {found.skipped}; run `make lint` where there is a network"]
    count = len(found.findings)
    lines = [f"audit: {found.packages} locked packages, {count} known vulnerabilit{'y' if count == 1 else 'ies'}"]
    lines += [f"  ignored     {flaw} ({_reason(flaw, ignored)})" for flaw in found.ignored]
    lines += [f"  not known   {name}: the service has no record of it" for name in found.unknown]
    gone = set(ignored) - {name for flaw in found.ignored for name in flaw.names}
    return lines + [f"  no longer found, take it out of pyproject.toml: {name}" for name in sorted(gone)]


def _reason(flaw: Finding, ignored: Mapping[str, str]) -> str:
    return next(reason for name, reason in ignored.items() if name in flaw.names)


def judge(found: Audit) -> None:
    """Raise an error that lists what counts.

    Raises
    ------
    AuditError
    """
    if found.findings:
        raise AuditError(
            "expected no known vulnerability in requirements.lock; found\n  "
            + "\n  ".join(str(flaw) for flaw in found.findings)
            + "\nRenew the lock with `make lock`; where that does not help and the flaw does not reach this project, "
            "add its name with the reason to [tool.fashion.ignored-vulnerabilities] in pyproject.toml."
        )


if __name__ == "__main__":
    sys.exit(main())
