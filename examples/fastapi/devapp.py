"""A dependency for FastAPI that asks devapp about each call:

    devapp = Devapp(os.environ["DEVAPP_GATEWAY_KEY"], "environment=prod")
    app = FastAPI(dependencies=[Depends(devapp)])

A call that may go through has request.state.devapp; any other is answered here.
"""
import http.client
import ipaddress
import urllib.request
from urllib.parse import unquote

from fastapi import HTTPException, Request, Response

ASKED = ("authorization", "x-api-key", "dpop")
TOLD = ("www-authenticate", "retry-after", "ratelimit", "ratelimit-policy")
FIELDS = ("app-id", "app", "owner", "credential-id", "product", "environment", "scopes")


def client_option(request):
    """The address that uvicorn knows: behind a proxy, it can be whatever a client has sent."""
    try:
        return f"client={ipaddress.ip_address(request.client.host.partition('%')[0])}; "
    except (AttributeError, ValueError):
        return ""


class Devapp:
    def __init__(self, key, options="", url="http://127.0.0.1:8080/auth", timeout=2):
        self.key, self.options, self.url, self.timeout = key, options, url, timeout
        # no proxy of the environment, and no redirection
        self.opener = urllib.request.OpenerDirector()
        self.opener.add_handler(urllib.request.HTTPHandler())
        self.opener.add_handler(urllib.request.HTTPSHandler())

    # FastAPI runs it in a thread, since it is not async
    def __call__(self, request: Request, response: Response):
        path = request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        headers = {
            "X-Devapp-Gateway": f"{self.key}; {client_option(request)}{self.options}",
            "X-Forwarded-Method": request.method,
            "X-Forwarded-Uri": path + ("?" + query if query else ""),
        }
        headers.update((name, request.headers[name]) for name in ASKED if name in request.headers)
        try:
            answer = self.opener.open(urllib.request.Request(self.url, headers=headers), timeout=self.timeout)
        except (OSError, http.client.HTTPException):
            raise HTTPException(503) from None
        with answer:
            # without a verdict it was not the client's key that was refused
            status = answer.status if "X-Devapp-Code" in answer.headers else 503
            told = {name: answer.headers[name] for name in TOLD if name in answer.headers}
            if status != 200:
                raise HTTPException(status, headers=told)
            response.headers.update(told)
            request.state.devapp = {name: unquote(answer.headers[f"X-Devapp-{name}"] or "") for name in FIELDS}
