"""A receiver of webhooks:  webhook_receiver.py PORT FOLDER CERTIFICATE KEY SECRET

Checks signatures (401 if one is wrong) as the Standard Webhooks say.  Answers what the file
FOLDER/answers says, one status a line, and 204 when there is no more; 0 is no answer.  Keeps
each request in a file.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import time

port, folder, certificate, key, secret = sys.argv[1:]
answers = os.path.join(folder, "answers")


def is_signed(headers, body):
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        return False
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    wanted = base64.b64encode(hmac.new(base64.b64decode(secret.split("_")[1]), signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(given, "v1," + wanted) for given in headers["webhook-signature"].split(" "))


def next_answer():
    with open(answers, encoding="ascii") as file:
        left = file.read().split()
    with open(answers, "w", encoding="ascii") as file:
        file.write("\n".join(left[1:]))
    return int(left[0]) if left else 204


class Handler(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = next_answer() if is_signed(self.headers, body) else 401
        Handler.count += 1
        name = os.path.join(folder, f"request.{Handler.count}")
        with open(name + ".new", "w", encoding="utf-8") as file:
            json.dump({"status": status, "path": self.path, "headers": dict(self.headers), "body": json.loads(body)}, file)
        os.rename(name + ".new", name)
        if status == 0:
            time.sleep(30)
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
