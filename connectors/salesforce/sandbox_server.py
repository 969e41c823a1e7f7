"""The stand-in on a port of loopback, with TLS: its own certificate, made anew each time."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.salesforce.sandbox_http import Request

if TYPE_CHECKING:
    from connectors.salesforce.sandbox import Sandbox

HANDSHAKE_S = 10
POLL_S = 0.05
"""How soon it ends when it is told to."""


class Server:
    """A sandbox that listens. `url` is its address, `ca_file` the certificate to trust."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="weft-salesforce-")
        certificate, key = make_certificate(Path(self._folder.name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._http = _Https(("127.0.0.1", port), _handler(sandbox), context)
        self.url = f"https://127.0.0.1:{self._http.server_port}"
        self.ca_file = str(certificate)
        sandbox.origin = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_S,), daemon=True)

    def keep(self, name: str, text: str) -> Path:
        """A file beside the certificate, gone with the server."""
        path = Path(self._folder.name) / name
        path.touch(0o600)
        path.write_text(text)
        return path

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)
        self._folder.cleanup()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Https(ThreadingHTTPServer):
    """Shakes hands in the thread of the connection, so that one who stays silent holds up nobody."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext
    ) -> None:
        self._context = context
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_S)
        try:
            with self._context.wrap_socket(request, server_side=True) as encrypted:
                encrypted.settimeout(None)
                super().finish_request(encrypted, client_address)
        except OSError:  # whoever does not trust the certificate, or goes away
            return


def _handler(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = sandbox.handle(Request(self.command, self.path, headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for loopback and its key, as files: (certificate, key)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Weft's Salesforce stand-in")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "ca.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(form.Encoding.PEM))
    paths[1].touch(0o600)
    paths[1].write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    return paths
