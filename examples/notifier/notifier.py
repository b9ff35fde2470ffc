#!/usr/bin/python3
"""Delivers devapp's notifications by e-mail and webhook.  README.md says how to run it.

It needs Python 3.9 or later and psycopg2, and uses nothing else outside the standard library.

One process delivers one notification at a time.  Each address of a notification is tried
a few times, with growing pauses; those that have it are recorded one by one, so that a
later claim names only the others.  What could not be delivered goes back to the outbox,
which gives it to a worker again later, or gives it up.
"""

import argparse
import base64
import binascii
import configparser
import contextlib
import dataclasses
import email.errors
import email.headerregistry
import email.message
import email.policy
import email.utils
import hashlib
import hmac
import http.client
import json
import logging
import os
import random
import select
import signal
import smtplib
import socket
import ssl
import stat
import sys
import time
import urllib.parse

import psycopg2
import psycopg2.errors
import psycopg2.extras

log = logging.getLogger("notifier")

LONGEST_PAUSE = 60.0


class ConfigError(Exception):
    """The configuration cannot be used."""


class Refused(Exception):
    """A delivery failed, and would fail again at once."""


class TryAgain(Exception):
    """A delivery failed, and may succeed in a moment."""


# ---------- configuration ----------


@dataclasses.dataclass
class Config:
    conninfo: str
    name: str
    lease: float
    poll: float
    attempts: int
    pause: float
    timeout: float
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_user: str
    smtp_password: str
    sender: email.headerregistry.Address
    smtp_tls: ssl.SSLContext
    webhook_tls: ssl.SSLContext
    secrets: dict


def require_private(path):
    """The file has secrets in it: nobody else may read or change it."""
    mode = os.stat(path).st_mode
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise ConfigError(f"{path} can be read or changed by others; chmod 600 it")


def decode_secret(recipient, text):
    """The key in a secret as the Standard Webhooks write it: whsec_ and base64."""
    try:
        if not text.startswith("whsec_"):
            raise ValueError
        key = base64.b64decode(text[len("whsec_"):], validate=True)
    except (ValueError, binascii.Error):
        raise ConfigError(f"a secret of webhook {recipient} is not whsec_ and base64") from None
    if not 24 <= len(key) <= 64:
        raise ConfigError(f"a secret of webhook {recipient} has not 24 to 64 bytes")
    return key


def read_secrets(parser):
    """The keys by the name of the recipient; more than one while a secret is replaced."""
    secrets = {}
    for section in parser.sections():
        kind, _, recipient = section.partition(":")
        if kind == "webhook" and recipient:
            words = parser.get(section, "secret", fallback="").split()
            if not words:
                raise ConfigError(f"webhook {recipient} has no secret")
            secrets[recipient] = [decode_secret(recipient, word) for word in words]
    return secrets


def tls_context(ca_file):
    """Certificates and names of hosts are verified; ca_file: by these authorities only."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def read_sender(text):
    name, address = email.utils.parseaddr(text)
    return make_address(name, address)


def read_config(path):
    parser = configparser.ConfigParser(interpolation=None)
    try:
        require_private(path)
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        security = parser.get("smtp", "security", fallback="starttls")
        if security not in ("starttls", "tls", "none"):
            raise ConfigError("security of smtp is starttls, tls or none")
        if security == "none" and parser.get("smtp", "user", fallback=""):
            raise ConfigError("smtp sends no password without TLS")
        config = Config(
            conninfo=parser.get("database", "conninfo", fallback=""),
            name=parser.get("worker", "name", fallback=f"notifier on {socket.gethostname()}, process {os.getpid()}"),
            lease=parser.getfloat("worker", "lease", fallback=300),
            poll=parser.getfloat("worker", "poll", fallback=30),
            attempts=parser.getint("worker", "attempts", fallback=4),
            pause=parser.getfloat("worker", "pause", fallback=2),
            timeout=parser.getfloat("worker", "timeout", fallback=20),
            smtp_host=parser.get("smtp", "host", fallback="localhost"),
            smtp_port=parser.getint("smtp", "port", fallback={"starttls": 587, "tls": 465, "none": 25}[security]),
            smtp_security=security,
            smtp_user=parser.get("smtp", "user", fallback=""),
            smtp_password=parser.get("smtp", "password", fallback=""),
            sender=read_sender(parser.get("smtp", "from")),
            smtp_tls=tls_context(parser.get("smtp", "ca_file", fallback="")),
            webhook_tls=tls_context(parser.get("webhook", "ca_file", fallback="")),
            secrets=read_secrets(parser),
        )
    except (OSError, ValueError, configparser.Error, Refused) as error:
        raise ConfigError(f"{path}: {one_line(str(error))}") from None
    if config.attempts < 1 or min(config.lease, config.poll, config.pause, config.timeout) <= 0:
        raise ConfigError("the numbers of worker must be greater than zero")
    if config.lease <= 2 * config.timeout:
        raise ConfigError("lease of worker must be more than twice its timeout")
    return config


# ---------- what a mail says ----------

SUBJECTS = {
    "app_submitted": "App {app} of {owner} waits for approval",
    "app_approved": "App {app} was approved",
    "app_rejected": "App {app} was rejected",
    "app_suspended": "App {app} was suspended",
    "app_resumed": "App {app} works again",
    "app_revoked": "App {app} was revoked",
    "app_deleted": "App {app} was deleted",
    "app_transferred": "App {app} now belongs to {owner}",
    "product_submitted": "App {app} of {owner} asks for {product}",
    "product_approved": "App {app} may use {product}",
    "product_revoked": "App {app} may no longer use {product}",
    "credential_approved": "Key {consumer_key} of app {app} works again",
    "credential_revoked": "Key {consumer_key} of app {app} was revoked",
    "credential_rotated": "Key {consumer_key} of app {app} has a new secret",
    "credential_expiring": "Key {consumer_key} of app {app} expires in {days} day(s)",
    "rotation_overdue": "The secret of key {consumer_key} of app {app} is older than {days} day(s)",
    "quota_nearly_used": "App {app} has used {used} of {quota_limit} of its quota of {product}",
    "quota_used_up": "App {app} has used up its quota of {product}",
    "team_invited": "You are invited to team {team}",
    "team_member_added": "You are now in team {team}",
    "developer_activated": "Your account was activated",
    "developer_deactivated": "Your account was deactivated",
    "developer_registered": "{developer} registered and waits for approval",
    "key_leaked": "Key {consumer_key} of app {app} leaked and was {action}",
}


class Known(dict):
    def __missing__(self, key):
        return "(unknown)"


def one_line(text):
    """Without control characters, which could begin another header or change a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def subject_of(note):
    template = SUBJECTS.get(note["event"], note["event"])
    return one_line(template.format_map(Known(note["payload"])))[:200]


def text_of(note, name):
    lines = [f"Hello {one_line(name)}," if name else "Hello,", "", subject_of(note) + ".", ""]
    for key, value in sorted(note["payload"].items()):
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f"{key.replace('_', ' ')}: {shown}")
    lines += ["", f"Notification {note['notification_id']} of {note['created_at']:%Y-%m-%d %H:%M %Z}."]
    return "\n".join(lines) + "\n"


def make_address(name, address):
    """An address of one mailbox, which can be nothing else in a header."""
    try:
        return email.headerregistry.Address(display_name=one_line(name or ""), addr_spec=address)
    except (ValueError, IndexError, email.errors.MessageError):
        raise Refused("this is not an address that mail can be sent to") from None


def compose(config, note, address):
    """The same Message-ID each time, by which a mail that comes twice is known."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = config.sender
    message["To"] = make_address(address["name"], address["address"])
    message["Subject"] = subject_of(note)
    message["Date"] = email.utils.localtime()
    digest = hashlib.sha256(address["address"].encode()).hexdigest()[:16]
    message["Message-ID"] = f"<devapp.{note['notification_id']}.{digest}@{config.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_of(note, address["name"]), cte="quoted-printable")
    return message


# ---------- delivery ----------


@contextlib.contextmanager
def deadline(seconds):
    """A delivery takes no longer, however slowly the other side answers."""

    def expire(signum, frame):
        raise TimeoutError(f"no answer within {seconds:g} seconds")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def connect_smtp(config):
    if config.smtp_security == "tls":
        server = smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=config.timeout, context=config.smtp_tls)
    else:
        server = smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=config.timeout)
    try:
        if config.smtp_security == "starttls":
            server.starttls(context=config.smtp_tls)
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
    except BaseException:
        server.close()
        raise
    return server


def send_mail(config, note, address):
    message = compose(config, note, address)
    try:
        server = connect_smtp(config)
        try:
            server.send_message(message, from_addr=config.sender.addr_spec, to_addrs=[address["address"]])
        finally:
            # what the server says to this changes nothing about the message
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()
    except smtplib.SMTPRecipientsRefused as error:
        raise_smtp(*next(iter(error.recipients.values())))
    except smtplib.SMTPResponseException as error:
        raise_smtp(error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(f"mail server: {error}") from None


def raise_smtp(code, text):
    reason = f"mail server said {code} {one_line(text.decode(errors='replace') if isinstance(text, bytes) else text)}"
    raise Refused(reason) if code >= 500 else TryAgain(reason)


def sign(keys, identifier, timestamp, body):
    """As the Standard Webhooks say: one signature for each key, with blanks between."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)


def webhook_body(note):
    """Who else is told is nobody's business."""
    data = {key: note[key] for key in ("notification_id", "app_id", "credential_id", "product_id", "payload")}
    return json.dumps({"type": note["event"], "timestamp": note["created_at"].isoformat(), "data": data}).encode()


def post_webhook(config, note, address):
    keys = config.secrets.get(address["recipient"])
    if not keys:
        raise Refused("the configuration has no secret for this webhook")
    url = urllib.parse.urlsplit(address["address"])
    if url.scheme.lower() != "https" or not url.hostname:
        raise Refused("its URL is not https")
    identifier = f"notification_{note['notification_id']}"
    timestamp = int(time.time())
    body = webhook_body(note)
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=config.timeout, context=config.webhook_tls)
    try:
        connection.request("POST", (url.path or "/") + ("?" + url.query if url.query else ""), body, {
            "Content-Type": "application/json",
            "User-Agent": "devapp-notifier",
            "webhook-id": identifier,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(keys, identifier, timestamp, body),
        })
        status = connection.getresponse().status
    finally:
        connection.close()
    # redirects are not followed: they could lead anywhere
    if not 200 <= status <= 299:
        raise (TryAgain if status in (408, 425, 429) or status >= 500 else Refused)(f"it answered {status}")


def attempt(config, note, address):
    """Deliver once; Refused or TryAgain say why it failed."""
    send = {"email": send_mail, "webhook": post_webhook}.get(address["kind"])
    if send is None:
        raise Refused(f"this program cannot deliver by {address['kind']}")
    try:
        with deadline(config.timeout):
            send(config, note, address)
    except (ssl.SSLCertVerificationError, UnicodeError, ValueError) as error:
        raise Refused(one_line(str(error))) from None
    except (OSError, smtplib.SMTPException, http.client.HTTPException) as error:
        raise TryAgain(one_line(str(error)) or type(error).__name__) from None


def pause_after(config, attempts):
    """Twice as long after each attempt, and a part of it by chance, so that workers do not return together."""
    return min(config.pause * 2 ** (attempts - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)


def deliver(config, note, address, stop, until):
    """None if the address has it, else why not.  Until then another attempt may begin."""
    for attempts in range(1, config.attempts + 1):
        try:
            attempt(config, note, address)
            return None
        except Refused as error:
            return str(error)
        except TryAgain as error:
            reason = str(error)
        pause = pause_after(config, attempts)
        if attempts == config.attempts or time.monotonic() + pause > until:
            break
        stop.sleep(pause)
        if stop.wanted:
            break
    return f"{reason} ({attempts} attempt(s))"


# ---------- the outbox ----------


class Outbox:
    """The connection to the database.  Each call is a transaction."""

    def __init__(self, config):
        self.config = config
        self.connection = psycopg2.connect(config.conninfo, fallback_application_name="devapp notifier")
        self.connection.autocommit = True
        self.ask("LISTEN devapp")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.connection.close()

    def ask(self, query, *arguments):
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall() if cursor.description else []

    def claim(self):
        rows = self.ask(
            'SELECT * FROM devapp.claim_notifications("limit" => 1, lease => make_interval(secs => %s), worker => %s)',
            self.config.lease, self.config.name)
        return rows[0] if rows else None

    def record(self, note, address):
        self.ask("SELECT FROM devapp.record_delivery(%s, %s, %s)", note["notification_id"], address["address"], note["lease_id"])

    def complete(self, note):
        self.ask("SELECT FROM devapp.complete_notification(%s, %s)", note["notification_id"], note["lease_id"])

    def fail(self, note, reason):
        row, = self.ask("SELECT status FROM devapp.fail_notification(%s, %s, %s)", note["notification_id"], reason, note["lease_id"])
        return row["status"]

    def wait(self, stop):
        """Until somebody signals a notification, or it is time to look again."""
        if not self.connection.notifies:
            stop.sleep(self.config.poll, self.connection)
            self.connection.poll()
        self.connection.notifies.clear()


def label_of(address):
    return f"{address['kind']} {address['recipient'] or 'of a developer'}"


def deliver_all(outbox, config, note, stop):
    """Why some addresses do not have it; empty if all have it."""
    until = time.monotonic() + config.lease - 2 * config.timeout
    failures = []
    for address in note["addresses"]:
        # what is begun late could outlast the lease, and the next claim will name it
        if time.monotonic() > until or stop.wanted:
            failures.append(f"{label_of(address)}: not tried yet")
            continue
        reason = deliver(config, note, address, stop, until)
        if reason is None:
            outbox.record(note, address)
            log.info("notification %s, %s: delivered to %s", note["notification_id"], note["event"], label_of(address))
        else:
            failures.append(f"{label_of(address)}: {reason}")
    if not note["addresses"] and not note["delivered_to"]:
        told = ", ".join(sorted({f"{r['kind']} {r['to']}" for r in note["recipients"]}))
        failures.append(f"nobody who has to be told has an address ({told}); give them one with devapp.add_notification_recipient")
    return failures


def handle(outbox, config, note, stop):
    try:
        failures = deliver_all(outbox, config, note, stop)
        if not failures:
            outbox.complete(note)
            return
        reason = one_line("; ".join(failures))
        status = outbox.fail(note, reason)
        log.warning("notification %s, %s: %s%s", note["notification_id"], note["event"], reason,
                    "; given up" if status == "dead" else "")
    except (psycopg2.errors.ObjectNotInPrerequisiteState, psycopg2.errors.UndefinedObject,
            psycopg2.errors.InvalidParameterValue) as error:
        # another worker has it by now, or it was purged
        log.warning("notification %s: %s", note["notification_id"], one_line(str(error)))


def serve(outbox, config, stop, once):
    while not stop.wanted:
        note = outbox.claim()
        if note is not None:
            handle(outbox, config, note, stop)
        elif once:
            return
        else:
            outbox.wait(stop)


# ---------- the process ----------


class Stop:
    """Set by TERM or INT; a sleep ends then, and a delivery that is on does not."""

    def __init__(self):
        self.wanted = False
        self.reader, self.writer = socket.socketpair()
        self.reader.setblocking(False)
        self.writer.setblocking(False)
        signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)

    def ask(self, signum, frame):
        self.wanted = True

    def sleep(self, seconds, *sources):
        end = time.monotonic() + seconds
        while not self.wanted and (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.reader, *sources], [], [], left)
            if self.reader in ready:
                self.reader.recv(4096)
            if any(source in ready for source in sources):
                return


def run(config, stop, once):
    """False: with once, the database could not be asked."""
    failed = 0
    while not stop.wanted:
        try:
            with Outbox(config) as outbox:
                failed = 0
                serve(outbox, config, stop, once)
                return True
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            log.error("database: %s", one_line(str(error)))
            if once:
                return False
            failed += 1
            stop.sleep(pause_after(config, min(failed, 10)))
    return True


def main():
    parser = argparse.ArgumentParser(description="Delivers devapp's notifications by e-mail and webhook.")
    parser.add_argument("config", help="configuration file, see notifier.conf")
    parser.add_argument("--once", action="store_true", help="end when nothing is due")
    parser.add_argument("--check", action="store_true", help="read the configuration, and end")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        config = read_config(arguments.config)
    except ConfigError as error:
        sys.exit(f"notifier: {error}")
    if arguments.check:
        return
    try:
        if not run(config, Stop(), arguments.once):
            sys.exit(1)
    except psycopg2.Error as error:
        sys.exit(f"notifier: {one_line(str(error))}")


if __name__ == "__main__":
    main()
