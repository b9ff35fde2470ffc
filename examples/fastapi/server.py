"""An API that says who calls it: uvicorn server:app"""
import os

from devapp import Devapp
from fastapi import Depends, FastAPI, Request

devapp = Devapp(
    os.environ["DEVAPP_GATEWAY_KEY"],
    os.environ.get("DEVAPP_GATEWAY_OPTIONS", ""),
    os.environ.get("DEVAPP_AUTH_URL", "http://127.0.0.1:8080/auth"),
)
app = FastAPI(dependencies=[Depends(devapp)], openapi_url=None)


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def answer(path: str, request: Request):
    return request.state.devapp
