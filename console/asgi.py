"""The ASGI application: Django for the pages, the event streams and the SSM API beside it.

    uvicorn console.asgi:application --timeout-graceful-shutdown 3

Without that option uvicorn waits at its end until the last open page is closed.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup(set_prefix=False)

from console import durability  # noqa: E402 - needs loaded apps
from console.api.endpoint import api, is_ours  # noqa: E402 - needs loaded apps
from console.live.stream import Message, Receive, Send, live  # noqa: E402 - needs loaded apps
from console.turns import Pages  # noqa: E402 - needs loaded apps

durability.wait_for_database()
pages = Pages()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Hand a request to whom it belongs."""
    if scope["type"] == "http" and scope["path"].startswith("/live/"):
        await live(scope, receive, send)
    elif scope["type"] == "http" and is_ours(scope["path"]):
        await api(scope, receive, send)
    else:
        await pages(scope, receive, send)
