"""Certificates created by `lensfeed certs`."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from devmesh.errors import MeshError
from devmesh.secrets.certificates import AUTHORITY, issue, load_authority, make_certificates
from devmesh.secrets.chosen_certificates import chosen_certificates
from meshkit.identity.parts import NAMES, MeshIdentity
from meshkit.settings import SettingsError


def serials(folder: Path) -> dict[str, int]:
    """Return the serial number of each part's certificate."""
    return {
        name: x509.load_pem_x509_certificate((folder / name / "tls.crt").read_bytes()).serial_number for name in NAMES
    }


def test_each_part_has_a_certificate_of_its_names(tmp_path: Path) -> None:
    """Each part has a server and client certificate with its names, which openssl accepts."""
    assert make_certificates(tmp_path) == list(NAMES)
    for name in NAMES:
        certificate = x509.load_pem_x509_certificate((tmp_path / name / "tls.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [f"{name}.lensfeed"]
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://lensfeed/{name}"]
        command = (
            "openssl",
            "verify",
            "-x509_strict",
            "-CAfile",
            tmp_path / name / "ca.crt",
            tmp_path / name / "tls.crt",
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.endswith("tls.crt: OK\n"), done.stderr


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    """Keys and folders are private, and only `authority/` has the authority's key."""
    make_certificates(tmp_path)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert {oct(folder.stat().st_mode & 0o777) for folder in tmp_path.iterdir()} == {"0o700"}
    assert [file.relative_to(tmp_path) for file in files if file.name == "ca.key"] == [Path(AUTHORITY) / "ca.key"]


def test_a_second_run_renews_certificates_that_expire_soon(tmp_path: Path) -> None:
    """Only certificates that expire soon are renewed, not the authority."""
    make_certificates(tmp_path)
    before, authority = serials(tmp_path), load_authority(tmp_path / AUTHORITY)
    assert make_certificates(tmp_path) == []
    issue(MeshIdentity("feed", tmp_path / "feed"), authority, dt.timedelta(minutes=2))  # most of its life is clock skew
    (tmp_path / "post" / "tls.key").unlink()
    assert make_certificates(tmp_path) == ["post", "feed"]
    assert {name for name, serial in serials(tmp_path).items() if serial != before[name]} == {"post", "feed"}
    assert load_authority(tmp_path / AUTHORITY).certificate == authority.certificate


def test_another_authority_renews_everything(tmp_path: Path) -> None:
    """Certificates of another authority are renewed."""
    make_certificates(tmp_path)
    for file in (tmp_path / AUTHORITY).iterdir():
        file.unlink()
    assert make_certificates(tmp_path) == list(NAMES)


def test_a_damaged_authority_is_an_error(tmp_path: Path) -> None:
    """A damaged authority is not replaced silently."""
    make_certificates(tmp_path)
    (tmp_path / AUTHORITY / "ca.crt").write_text("nonsense")
    with pytest.raises(MeshError, match="authority"):
        make_certificates(tmp_path)


def test_a_mesh_uses_the_named_certificates(tmp_path: Path) -> None:
    """LENSFEED_MESH_TLS takes precedence over the data folder; without either there is no mTLS."""
    named, data = tmp_path / "named", tmp_path / "data"
    make_certificates(named)
    assert chosen_certificates(data, {}, wanted=False) is None
    assert chosen_certificates(data, {"LENSFEED_MESH_TLS": str(named)}, wanted=False) == named
    assert chosen_certificates(data, {}, wanted=True) == data / "mesh-tls"
    (named / "user" / "tls.crt").unlink()
    with pytest.raises(SettingsError, match="LENSFEED_MESH_TLS"):
        chosen_certificates(data, {"LENSFEED_MESH_TLS": str(named)}, wanted=True)


@pytest.mark.slow
def test_the_command_reports_what_it_created(tmp_path: Path) -> None:
    """`lensfeed certs DIR` creates all, then nothing, then all with --renew, and reports errors."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}

    def certs(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "devmesh", "certs", *arguments], capture_output=True, text=True, check=False, env=env
        )
        return done.returncode, done.stdout + done.stderr

    folder = str(tmp_path / "tls")
    all_created = (0, f"{folder}: created {', '.join(NAMES)}\n")
    assert certs(folder, "--days", "30") == all_created
    assert certs(folder) == (0, f"{folder}: no certificate expires soon\n")
    assert certs(folder, "--renew") == all_created
    (tmp_path / "tls" / AUTHORITY / "ca.key").write_text("nonsense")
    code, said = certs(folder)
    assert code == 1
    assert said.startswith("lensfeed: ")
    assert "Traceback" not in said
