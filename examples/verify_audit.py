#!/usr/bin/python3
"""Verifies an exported audit trail of devapp without devapp, and tells it in words.

    verify_audit.py [--key KEY]... [--quiet] ENTRIES CHECKPOINT...

ENTRIES has one JSON object a line; "Seal and prove" in doc/administrators.md says how to
export them.  Each is one of these:

    {"leaf_index": 0, "leaf_hash": HEX, "entry": HEX}      a leaf of the log
    {"leaf_index": 7, "entry": HEX, "tree_size": 20, "path": [HEX, ...]}
                                        a leaf with its proof for the checkpoint of that size
    {"size_a": 10, "size_b": 20, "consistency": [HEX, ...]}
                                        a proof that one checkpoint's log begins as another's

Leaves without a proof must be the whole log, from 0 on without a gap, at least up to the
largest checkpoint.  Lines of devapp.audit_feed() repeat what the entry says, and must agree with
it; but where the entry has the pseudonym of a person, the line may have the person.  What is not
in the entry, such as the names of apps and the words of "happened", is not checked.  A CHECKPOINT
is a file with the note that devapp.seal_audit() returned.

Each KEY is a verifier key, as devapp.audit_public_key() shows it; every checkpoint must then be
signed by one of them.  Signatures are verified by the command openssl, version 3.

Exit status: 0, all is proved; 1, something is not, and each line on the standard error says
where and why; 2, wrong usage or a file that cannot be read.

It needs Python 3.8 or later, and nothing outside its standard library.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

COLUMNS = ("event_id", "occurred_at", "actor", "db_role", "client_addr", "transaction_id",
           "action", "entity", "entity_id", "app_id", "developer_id", "team_id",
           "before", "after", "note")
NUMBERS = ("event_id", "occurred_at", "transaction_id")
UUIDS = ("app_id", "developer_id", "team_id")
# what the line of an event says elsewhere
UNTOLD = {"created_at", "updated_at", "issued_at", "decided_at", "decision_note"}
EPOCH = datetime.datetime(2000, 1, 1)
# what a public key of Ed25519 begins with in the form that openssl reads
DER_PREFIX = bytes.fromhex("302a300506032b6570032100")


class Problem(Exception):
    """Something is not as it should be; the text says why."""


# ---------- the tree of RFC 9162 ----------

def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows: the hashes of its complete subtrees, largest first."""

    def __init__(self):
        self.size = 0
        self.subtrees = []

    def add(self, digest):
        level = self.size
        while level & 1:
            digest = node_hash(self.subtrees.pop(), digest)
            level >>= 1
        self.subtrees.append(digest)
        self.size += 1

    def root(self):
        if not self.subtrees:
            return hashlib.sha256(b"").digest()
        digest = self.subtrees[-1]
        for left in reversed(self.subtrees[:-1]):
            digest = node_hash(left, digest)
        return digest


def inclusion_root(digest, index, size, path):
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise Problem(f"leaf {index} is not in a tree of {size}")
    last = size - 1
    for hash_ in path:
        if last == 0:
            raise Problem("the proof is too long")
        if index & 1 or index == last:
            digest = node_hash(hash_, digest)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            digest = node_hash(digest, hash_)
        index >>= 1
        last >>= 1
    if last:
        raise Problem("the proof is too short")
    return digest


def consistency_roots(size_a, root_a, size_b, path):
    """Both roots that a proof of consistency leads to (RFC 9162, 2.1.4.2)."""
    path = list(path)
    if size_a & (size_a - 1) == 0:
        path.insert(0, root_a)
    if not path:
        raise Problem("the proof is empty")
    index, last = size_a - 1, size_b - 1
    while index & 1:
        index >>= 1
        last >>= 1
    first = second = path[0]
    for hash_ in path[1:]:
        if last == 0:
            raise Problem("the proof is too long")
        if index & 1 or index == last:
            first = node_hash(hash_, first)
            second = node_hash(hash_, second)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            second = node_hash(second, hash_)
        index >>= 1
        last >>= 1
    if last:
        raise Problem("the proof is too short")
    return first, second


# ---------- entries ----------

def read_entry(entry):
    """The columns of an event: each is the length of its value, or FFFFFFFF for null, and the value."""
    event = {}
    at = 0
    for column in COLUMNS:
        length = int.from_bytes(entry[at:at + 4], "big")
        at += 4
        if at > len(entry) or length != 0xFFFFFFFF and at + length > len(entry):
            raise Problem(f"the entry ends within column {column}")
        if length == 0xFFFFFFFF:
            event[column] = None
            continue
        event[column] = read_value(column, entry[at:at + length])
        at += length
    if at != len(entry):
        raise Problem(f"the entry has {len(entry) - at} bytes after its last column")
    return event


def read_value(column, value):
    try:
        if column in NUMBERS:
            if len(value) != 8:
                raise ValueError("a number has 8 bytes")
            number = int.from_bytes(value, "big", signed=True)
            return EPOCH + datetime.timedelta(microseconds=number) if column == "occurred_at" else number
        if column in UUIDS:
            if len(value) != 16:
                raise ValueError("a UUID has 16 bytes")
            return re.sub(r"^(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", value.hex())
        text = value.decode("utf-8")
        if column not in ("before", "after"):
            return text
        row = json.loads(text)
        if not isinstance(row, dict):
            raise ValueError("not an object")
        return row
    except (ValueError, OverflowError, RecursionError) as error:
        raise Problem(f"column {column} of the entry cannot be read: {error}") from error


def says_the_same(column, said, true):
    """Whether the value of a column in a line agrees with the value in the entry."""
    if isinstance(true, str) and true.startswith("person:"):
        return isinstance(said, (str, dict, list, type(None)))
    if column == "occurred_at":
        text = true.isoformat()
        return said == (text.rstrip("0") if "." in text else text) + "+00:00"
    if column == "transaction_id":
        return said == str(true)
    if column in ("before", "after") and isinstance(said, dict) and isinstance(true, dict):
        return set(said) == set(true) and all(says_the_same("", said[name], true[name]) for name in true)
    return type(said) is type(true) and said == true


def compare(record, event):
    """A line repeats columns of its entry, and must agree with it."""
    for column in COLUMNS:
        if column in record and not says_the_same(column, record[column], event[column]):
            raise Problem(f'"{column}" is not what the entry says: the line was edited')


def words(event):
    """An event in words, on one line."""
    before, after = event["before"] or {}, event["after"] or {}
    changes = []
    for name in sorted((set(before) | set(after)) - UNTOLD):
        old, new = (json.dumps(row[name], ensure_ascii=False) if name in row else None for row in (before, after))
        if old is not None and new is not None:
            changes.append(f"{name}: {old} -> {new}")
        elif (new or old) not in ("[]", "{}"):
            changes.append(f"{name}: {new or old}")
    line = (f"{event['occurred_at'].isoformat(' ')}Z  {event['actor'] or event['db_role']}  "
            f"{event['action']} {event['entity']} {event['entity_id']}")
    if changes:
        line += "  " + ", ".join(changes)
    if event["note"] is not None:
        line += f"  ({event['note']})"
    # nobody may write a line of their own by a name or a note
    return "".join(c if c.isprintable() else " " for c in line)


# ---------- checkpoints ----------

class Checkpoint:
    """A signed note: origin, size, root, an empty line, signatures."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8", newline="") as handle:
            self.text = handle.read()
        lines = self.text.split("\n")
        if len(lines) < 4 or lines[3] != "":
            raise Problem("4: this is no checkpoint: after the first three lines there is none that is empty")
        self.origin = lines[0]
        if not re.fullmatch("0|[1-9][0-9]*", lines[1]):
            raise Problem("2: the number of leaves is not a number")
        self.size = int(lines[1])
        self.root = decode(lines[2], "3: the root")
        if len(self.root) != 32:
            raise Problem("3: the root has not 32 bytes")
        self.body = "".join(line + "\n" for line in lines[:3]).encode()
        self.signatures = [(number, line) for number, line in enumerate(lines[4:], 5) if line]
        if self.text and not self.text.endswith("\n"):
            raise Problem(f"{len(lines)}: the file ends within a line")

    def signed_by(self, keys):
        """The line of a signature by one of the keys is right, or it says why not."""
        for number, line in self.signatures:
            match = re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)", line)
            if not match:
                raise Problem(f"{number}: this is no signature")
            signature = decode(match[2], f"{number}: the signature")
            for key in keys:
                if (match[1], signature[:4]) == (key.name, key.hash):
                    if not key.verifies(self.body, signature[4:]):
                        raise Problem(f"{number}: the signature is wrong: the checkpoint was edited, or the key is another's")
                    return
        raise Problem("1: no signature is by a key that was given" if self.signatures else "4: the checkpoint is not signed")


class Key:
    """A verifier key: NAME+HASH+BASE64."""

    def __init__(self, text):
        match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text.strip())
        data = decode(match[3], "the key") if match else b""
        if len(data) != 33 or data[0] != 1:
            raise Problem("this is not a verifier key of Ed25519")
        self.name = match[1]
        self.public = data[1:]
        self.hash = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        if self.hash.hex() != match[2]:
            raise Problem("the verifier key is damaged: its hash is not that of its name and key")

    def verifies(self, message, signature):
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, name) for name in ("key", "message", "signature")]
            for name, data in zip(names, (DER_PREFIX + self.public, message, signature)):
                with open(name, "wb") as handle:
                    handle.write(data)
            run = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0],
                                  "-rawin", "-in", names[1], "-sigfile", names[2]],
                                 stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return run.returncode == 0


def decode(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Problem(f"{what} is not base64") from error


# ---------- what was exported ----------

def hex_field(record, name, length=None):
    value = record.get(name)
    try:
        data = bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise Problem(f'"{name}" is not hexadecimal') from error
    if length is not None and len(data) != length:
        raise Problem(f'"{name}" has not {length} bytes')
    return data


def hash_list(record, name):
    if not isinstance(record[name], list):
        raise Problem(f'"{name}" is not a list')
    return [hex_field({name: item}, name, 32) for item in record[name]]


def number_field(record, name):
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Problem(f'"{name}" is not a number from 0 on')
    return value


class Verifier:
    def __init__(self, keys, quiet):
        self.keys = keys
        self.quiet = quiet
        self.problems = 0
        self.checkpoints = {}
        self.tree = Tree()
        self.begin = 1          # first line that no checkpoint has confirmed
        self.last_line = None   # line of the last leaf of the log
        self.in_log = True
        self.proved = 0
        self.shown = set()      # checkpoints whose roots something led to

    def complain(self, where, why):
        self.problems += 1
        print(f"{where}: {why}", file=sys.stderr)

    def add_checkpoint(self, path):
        try:
            checkpoint = Checkpoint(path)
            if self.keys:
                checkpoint.signed_by(self.keys)
        except Problem as problem:
            number, _, why = str(problem).partition(": ")
            self.complain(f"{path}:{number}", why)
            return
        except UnicodeDecodeError:
            self.complain(f"{path}:1", "this is no checkpoint: it is not UTF-8")
            return
        for other in self.checkpoints.values():
            if other.origin != checkpoint.origin:
                self.complain(f"{path}:1", f"the origin is {checkpoint.origin!r}, that of {other.path} {other.origin!r}: it is another log's")
                return
            if checkpoint.size == other.size and other.root != checkpoint.root:
                self.complain(f"{path}:3", f"the root is not that of {other.path}, which has as many leaves: the log was forked")
                return
        if checkpoint.size == 0 and checkpoint.root != Tree().root():
            self.complain(f"{path}:3", "the root is not that of no leaves")
            return
        self.checkpoints[checkpoint.size] = checkpoint

    def checkpoint_of(self, size):
        if size not in self.checkpoints:
            raise Problem(f"there is no checkpoint of {size} leaves to compare with")
        self.shown.add(size)
        return self.checkpoints[size]

    def add_leaf(self, record, number):
        index = number_field(record, "leaf_index")
        entry = hex_field(record, "entry") if record.get("entry") is not None else None
        if entry is None and record.get("leaf_hash") is None:
            raise Problem('there is neither "entry" nor "leaf_hash"')
        # by a hash that was exported as well, the line that was edited is known
        digest = hex_field(record, "leaf_hash", 32) if record.get("leaf_hash") is not None else leaf_hash(entry)
        if "path" in record:
            size = number_field(record, "tree_size")
            if inclusion_root(digest, index, size, hash_list(record, "path")) != self.checkpoint_of(size).root:
                raise Problem(f"leaf {index} is not in the log of {self.checkpoints[size].path}: the entry was edited, or is another log's")
            self.proved += 1
        elif self.in_log:
            self.grow(index, digest, number)
        if entry is not None and leaf_hash(entry) != digest:
            raise Problem(f"the entry of leaf {index} is not that of its hash: it was edited")
        told = "(the entry was not exported)"
        if entry is not None:
            event = read_entry(entry)
            compare(record, event)
            told = words(event)
        if not self.quiet:
            print(f"{index}  {told}")

    def grow(self, index, digest, number):
        if index != self.tree.size:
            self.in_log = False
            raise Problem(f"leaf {index} is where leaf {self.tree.size} belongs: lines are missing, or out of order; "
                          "leaves after it prove nothing")
        self.tree.add(digest)
        self.last_line = number
        checkpoint = self.checkpoints.get(self.tree.size)
        if checkpoint is None:
            return
        self.shown.add(self.tree.size)
        if self.tree.root() != checkpoint.root:
            self.in_log = False
            raise Problem(f"the log up to here does not give the root of {checkpoint.path}: one of the lines from {self.begin} on was edited, "
                          "or they are another log's")
        self.begin = number + 1

    def add_consistency(self, record):
        sizes = [number_field(record, name) for name in ("size_a", "size_b")]
        older, newer = (self.checkpoint_of(size) for size in sizes)
        path = hash_list(record, "consistency")
        if not 0 < older.size <= newer.size:
            raise Problem("size_a is from 1 to size_b")
        if older.size == newer.size:
            if path:
                raise Problem("the proof is too long")
            return
        if consistency_roots(older.size, older.root, newer.size, path) != (older.root, newer.root):
            raise Problem(f"the log of {newer.path} does not begin as that of {older.path}")

    def add_line(self, line, number):
        try:
            if not line.endswith(b"\n"):
                raise Problem("the file ends within a line")
            record = json.loads(line.decode("utf-8"))
            if not isinstance(record, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            self.in_log = False
            raise Problem(f"this is no JSON object: {error}") from error
        if "consistency" in record:
            self.add_consistency(record)
        else:
            self.add_leaf(record, number)

    def add_entries(self, path):
        number = 0
        with open(path, "rb") as handle:
            for number, line in enumerate(handle, 1):
                try:
                    self.add_line(line, number)
                except Problem as problem:
                    self.complain(f"{path}:{number}", problem)
        for size, checkpoint in sorted(self.checkpoints.items()):
            if size and size not in self.shown and self.in_log:
                self.complain(f"{path}:{number + 1}", f"the file ends with leaf {self.tree.size - 1}, and {checkpoint.path} has {size}: it was cut"
                              if self.tree.size else f"nothing leads to the root of {checkpoint.path}")
        if self.in_log and self.last_line is not None and self.begin <= self.last_line and not self.problems:
            self.complain(f"{path}:{self.begin}", "no checkpoint confirms the lines from here on")


def main():
    parser = argparse.ArgumentParser(description="Verifies an exported audit trail of devapp, and tells it in words.")
    parser.add_argument("--key", action="append", default=[], help="verifier key of devapp.audit_public_key(); may be repeated")
    parser.add_argument("--quiet", action="store_true", help="do not print the entries")
    parser.add_argument("entries", metavar="ENTRIES")
    parser.add_argument("checkpoints", metavar="CHECKPOINT", nargs="+")
    arguments = parser.parse_args()
    try:
        keys = [Key(text) for text in arguments.key]
    except Problem as problem:
        parser.error(str(problem))
    verifier = Verifier(keys, arguments.quiet)
    try:
        for path in arguments.checkpoints:
            verifier.add_checkpoint(path)
        verifier.add_entries(arguments.entries)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    if verifier.problems:
        return 1
    print(f"{verifier.tree.size} leaves, {verifier.proved} proofs of inclusion, {len(verifier.checkpoints)} checkpoints: all is proved"
          + ("" if keys else "; no key was given, so no signature was verified"), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
