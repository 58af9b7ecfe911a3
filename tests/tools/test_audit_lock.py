"""A known vulnerability fails the audit; a service that is away or knows nothing is said and passes for nothing."""

import http.server
import json
import time

import pytest
from loopback import closed_address, serve

from tools import audit_lock as audits
from tools.audit_lock import Audit, AuditError, Finding, audit, ignored_vulnerabilities, judge, summary

LOCK = f"""alpha==1.0 \\
    --hash=sha256:{"0" * 64}
beta==2.5 ; python_version >= "3.8" \\
    --hash=sha256:{"1" * 64}
gamma==3 ; sys_platform == "win32" \\
    --hash=sha256:{"2" * 64}
"""


def flaw(package, number):
    """A flaw of every version below 2.6, as the service tells it."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.6"}]}]
    affected = [{"package": {"name": package, "ecosystem": "PyPI"}, "ranges": ranges}]
    return {"id": f"PYSEC-{number}", "aliases": [f"CVE-{number}"], "summary": "bad", "affected": affected}


KNOWN = {name: {"vulns": [flaw(name, number)]} for number, name in enumerate(("alpha", "beta", "jinja2"))}


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def osv(known, wait=0.0, broken=()):
    """A vulnerability service on this machine, which knows what is in `known` and fails at the packages in `broken`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            time.sleep(wait)
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(known.get(asked["package"]["name"], {})).encode()
            self.send_response(500 if asked["package"]["name"] in broken else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *details):
            pass

    return serve(Handler)


def at(address):
    return [("--vulnerability-service", "osv", "--osv-url", address)]


@pytest.fixture
def installed():
    pytest.importorskip("pip_audit")


@pytest.mark.usefixtures("installed")
def test_a_known_flaw_fails_and_one_that_is_ignored_is_said(lock):
    reasons = {"CVE-0": "never reached from here", "CVE-9": "of another time"}
    with osv(KNOWN) as address:
        found = audit(lock, reasons, [*at(closed_address()), *at(address)])  # the next one is asked
    assert found.packages == 2 and not found.skipped and not found.unknown
    assert [str(flaw) for flaw in found.findings] == ["beta 2.5: PYSEC-1, CVE-1; mended in 2.6"]
    with pytest.raises(AuditError, match=r"(?s)beta 2\.5.*make lock.*ignored-vulnerabilities"):
        judge(found)
    said = "\n".join(summary(found, reasons))
    assert "1 known vulnerability" in said and "take it out of pyproject.toml: CVE-9" in said
    assert "ignored     alpha 1.0: PYSEC-0, CVE-0; mended in 2.6 (never reached from here)" in said


@pytest.mark.usefixtures("installed")
def test_services_that_are_away_or_know_nothing_are_skipped_with_a_reason(lock):
    with osv({}) as address:
        found = audit(lock, {}, [*at(closed_address()), *at(address)])
    assert "could be reached" in found.skipped
    judge(found)
    assert summary(found, {})[0].startswith("audit: SKIPPED")


@pytest.mark.usefixtures("installed")
def test_a_service_that_hangs_does_not_hold_the_lint(lock, monkeypatch):
    monkeypatch.setattr(audits, "CONTROL_SECONDS", 1.5)
    begin = time.perf_counter()
    with osv(KNOWN, wait=6) as address:
        assert "could be reached" in audit(lock, {}, at(address)).skipped
        assert time.perf_counter() - begin < 5


@pytest.mark.usefixtures("installed")
def test_a_crash_at_the_lock_is_an_error_not_a_skip(lock):
    with (
        osv(KNOWN, broken=["beta"]) as address,
        pytest.raises(AuditError, match=r"(?s)requirements\.lock.*ended with 1"),
    ):
        audit(lock, {}, at(address))


def test_no_pip_audit_is_an_error_that_says_what_to_do(lock, monkeypatch):
    monkeypatch.setattr(audits.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AuditError, match="make env"):
        audit(lock, {})


def test_ignoring_needs_a_reason(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.fashion.ignored-vulnerabilities]\nCVE-1 = "only on Windows"\n')
    assert ignored_vulnerabilities(path) == {"CVE-1": "only on Windows"}
    path.write_text('[tool.fashion.ignored-vulnerabilities]\nCVE-1 = ""\n')
    with pytest.raises(AuditError, match="CVE-1"):
        ignored_vulnerabilities(path)
    ignored_vulnerabilities()


def test_the_command_ends_with_0_or_1(monkeypatch, capsys):
    bad = Finding("beta", "2.5", ("CVE-1",), ())
    for found, code in ((Audit(packages=3), 0), (Audit(skipped="no network"), 0), (Audit(findings=[bad]), 1)):
        monkeypatch.setattr(audits, "audit", lambda *given, found=found: found)
        assert audits.main() == code
    assert "not mended in any release" in capsys.readouterr().err
