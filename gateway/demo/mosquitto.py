"""A real mosquitto, the MQTT broker of the tests and of `make run`.

Its data folder outlives `stop`, `kill` and `restart`, as a plant's broker does. What it promises, measured on 2.0.11:
a PUBACK is no promise of durability. After a SIGKILL all that came since the last autosave is gone, and over
`max_queued_messages` it drops the newest messages of an absent client while their senders are told Success. So both
are set here: saved every few seconds (or, with `autosave_changes`, after so many messages), a long queue.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.demo.errors import NotStarted
from gateway.demo.process import Process, accepts_connections, find_program, free_ports, library_path

SET = "mosquitto"
"""The name of this program in `setup/components.sh`."""


class Mosquitto(Process):
    """A broker on free ports of loopback: `url` (MQTT), and on demand `tls_url` and `ws_url`."""

    name = "mosquitto"

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        users: Mapping[str, str] | None = None,
        acl: Sequence[str] = (),
        tls: bool = False,
        require_certificate: bool = False,
        websockets: bool = False,
        autosave_s: int = 5,
        autosave_changes: int = 0,
        max_queued: int = 100_000,
        max_inflight: int = 1000,
    ) -> None:
        """`users`: names and passwords; None lets everybody in. `acl`: lines of an ACL file. `tls`: a second listener
        with a certificate of a new CA, see `certificates`; `require_certificate`: clients need one too, and its common
        name is their user name. `websockets`: another listener for them. `autosave_changes`: saved when so many
        messages were queued since the last time, whatever the seconds; 0: every `autosave_s` seconds."""
        super().__init__(folder)
        self.port, self.tls_port, self.ws_port = free_ports(3)
        self.port = port or self.port
        self.users = users
        self.acl = tuple(acl)
        self.tls = tls
        self.require_certificate = require_certificate
        self.websockets = websockets
        self.autosave_s = autosave_s
        self.autosave_changes = autosave_changes
        self.max_queued = max_queued
        self.max_inflight = max_inflight

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.tls_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}/mqtt"

    @property
    def certificates(self) -> Certificates:
        """The CA and the certificates of the TLS listener; made at the first start."""
        return Certificates(self.folder / "certificates")

    def command(self) -> Sequence[str]:
        return [str(find_program("mosquitto", component=SET)), "-c", str(self.folder / "mosquitto.conf")]

    def ready(self) -> bool:
        ports = [self.port, *([self.tls_port] if self.tls else []), *([self.ws_port] if self.websockets else [])]
        return all(accepts_connections(port) for port in ports)

    def prepare(self) -> None:
        super().prepare()
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        general = [
            *(["user root"] if os.geteuid() == 0 else []),  # else it would change to a user that may not exist here
            "persistence true",
            f"persistence_location {data}/",
            f"autosave_interval {self.autosave_changes or self.autosave_s}",
            f"autosave_on_changes {'true' if self.autosave_changes else 'false'}",
            f"max_queued_messages {self.max_queued}",
            f"max_inflight_messages {self.max_inflight}",
            "sys_interval 1",
            "log_dest stdout",
            "log_type error",
            "log_type warning",
            "log_type notice",
            f"allow_anonymous {'true' if self.users is None else 'false'}",
        ]
        if self.users is not None:
            general.append(f"password_file {self._write_passwords(self.users)}")
        if self.acl:
            rules = self.folder / "acl"
            rules.write_text("\n".join(self.acl) + "\n")
            rules.chmod(0o600)
            general.append(f"acl_file {rules}")
        (self.folder / "mosquitto.conf").write_text("\n".join([*general, *self._listeners()]) + "\n")

    def _listeners(self) -> list[str]:
        lines = [f"listener {self.port} 127.0.0.1"]
        if self.tls:
            made = self.certificates.make("localhost")
            lines += [
                f"listener {self.tls_port} 127.0.0.1",
                f"cafile {made.ca}",
                f"certfile {made.certificate('localhost')}",
                f"keyfile {made.key('localhost')}",
            ]
            if self.require_certificate:
                lines += ["require_certificate true", "use_identity_as_username true"]
        if self.websockets:  # without socket_domain it listens on all addresses of the machine
            lines += [f"listener {self.ws_port} 127.0.0.1", "protocol websockets", "socket_domain ipv4"]
        return lines

    def _write_passwords(self, users: Mapping[str, str]) -> Path:
        """A password file; its plain lines are hashed by mosquitto's own program. Raises NotStarted."""
        file = self.folder / "passwords"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
        program = find_program("mosquitto_passwd", component=SET)
        environment = {"LD_LIBRARY_PATH": library_path(program)}
        done = subprocess.run(
            [str(program), "-U", str(file)], env=environment, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise NotStarted(program.name, "could not hash the passwords", done.stdout + done.stderr)
        return file


@dataclass(frozen=True)
class Certificates:
    """A certificate authority in a folder, and certificates it signed (elliptic curve, valid for ten days)."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def make(self, name: str) -> Certificates:
        """A certificate for a host or a client of this name, if there is none yet."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.ca.exists():
            self._sign("ca", authority=True)
        if not self.certificate(name).exists():
            self._sign(name, authority=False)
        return self

    def _sign(self, name: str, *, authority: bool) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer, issuer = key, subject
        if not authority:
            loaded = serialization.load_pem_private_key(self.key("ca").read_bytes(), None)
            if not isinstance(loaded, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{self.key('ca')} holds no elliptic curve key")
            signer, issuer = loaded, x509.load_pem_x509_certificate(self.ca.read_bytes()).subject
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=10))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if not authority:
            names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pem = serialization.Encoding.PEM
        self.key(name).touch(mode=0o600)
        self.key(name).write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        self.certificate(name).write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(pem))
