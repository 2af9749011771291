# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server (aiosmtpd) on a free port, which takes mail, or does not, as a test says."""
import asyncio
import email
import email.policy
import socket
import ssl
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def certificate(folder):
    """A certificate for localhost that signs itself, and its key."""
    cert, key = folder / "mail.crt", folder / "mail.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class MailServer:
    """.mails: what was taken, as (recipients, message). .answers: what to say instead of 250, one for each RCPT. .thinks_s: so long
    it takes from having a mail to saying so."""

    def __init__(self, port=0, tls=None, login=None):
        self.mails, self.answers, self.logins, self.login, self.thinks_s = [], [], [], login, 0
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        server = self

        class Listening(Controller):
            def factory(self):
                return SMTP(server, hostname="mail.test", tls_context=context, require_starttls=False, auth_required=login is not None,
                            auth_require_tls=True, authenticator=server.authenticate, loop=self.loop)

        if port == 0:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
        self.port = port
        self.controller = Listening(server, hostname="127.0.0.1", port=port)
        self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        if isinstance(data, LoginPassword):
            self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=bool(self.logins) and self.logins[-1] == self.login)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answers:
            answer = self.answers.pop(0)
            if answer:
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        message.raw = envelope.content
        message.was_tls = session.ssl is not None
        self.mails.append((envelope.rcpt_tos, message))
        await asyncio.sleep(self.thinks_s)
        return "250 taken"

    def to(self, address):
        return [m for rcpt, m in self.mails if rcpt == [address]]

    def stop(self):
        """Once or more often."""
        if self.controller is not None:
            self.controller.stop()
        self.controller = None
