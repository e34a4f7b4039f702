"""The console's TLS: nothing older than 1.2, no suite without forward secrecy and authentication,
no compression, no renegotiation by the client.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess

import pytest
from test_console import console

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    with console(tls=(certificate, key)) as page:
        yield page.port


def shaken(port, ciphers="", oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1_3):
    """What a client of these means and the server agree on; None where they do not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10.0) as plain, context.wrap_socket(plain) as secure:
            return secure.version(), secure.cipher()[0], secure.compression()
    except (ssl.SSLError, ConnectionError):
        return None


def test_only_tls_1_2_and_newer(served):
    assert shaken(served)[0] == "TLSv1.3"
    assert shaken(served, newest=ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"
    assert shaken(served, newest=ssl.TLSVersion.TLSv1_1) is None


@pytest.mark.parametrize(
    "weak",
    ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "aNULL", "NULL", "ECDHE-ECDSA-AES128-SHA256"],
)
def test_suites_without_authenticated_encryption_or_forward_secrecy_are_refused(served, weak):
    assert shaken(served, weak, newest=ssl.TLSVersion.TLSv1_2) is None


@pytest.mark.parametrize("strong", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_strong_suites_are_there_and_nothing_is_compressed(served, strong):
    version, cipher, compression = shaken(served, strong, newest=ssl.TLSVersion.TLSv1_2)
    assert (version, cipher, compression) == ("TLSv1.2", strong, None)


def test_a_client_cannot_have_the_keys_negotiated_anew(served):
    told = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{served}", "-tls1_2", "-legacy_server_connect"],
        input="R\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = told.stdout + told.stderr
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said or "alert" in said or told.returncode != 0
