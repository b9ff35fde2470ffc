"""An SMTP server that keeps each mail in a file:  smtp_server.py PORT FOLDER CERTIFICATE KEY

STARTTLS is there, and required if CERTIFICATE is not empty.  A mail to busy@ is refused for
now, one to nobody@ for ever.  Who logs in is devapp, with the password "pass word".
"""
import json
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, folder, certificate, key = sys.argv[1:]


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("busy@"):
            return "451 try later"
        if address.startswith("nobody@"):
            return "550 no such\tuser"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        name = os.path.join(folder, f"mail.{Handler.count}")
        with open(name + ".new", "w", encoding="utf-8") as file:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                       "authenticated": bool(session.authenticated),
                       "content": envelope.content.decode()}, file)
        os.rename(name + ".new", name)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"devapp", b"pass word"), handled=False)


context = None
if certificate:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
controller = Controller(Handler(), hostname="127.0.0.1", port=int(port), tls_context=context, require_starttls=context is not None,
                        authenticator=authenticate)
controller.start()
print("ready", flush=True)
threading.Event().wait()
