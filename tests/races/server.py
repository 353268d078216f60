"""The console's ASGI application with a fault: who decides is counted, and then saved."""

from __future__ import annotations

import console.asgi  # first: it makes Django ready
from approvals import decisions
from tests.races.crowd import decide_naively

decisions.decide = decide_naively
application = console.asgi.application
