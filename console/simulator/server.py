"""The HTTP server of the simulated account: threads, no access log, connections it can drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from console.simulator.app import Simulator
from console.simulator.faults import ConnectionDropped
from console.simulator.fleet import forget_other_regions, seed_accounts, seed_fleet, seed_topics
from console.simulator.line import abort

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class QuietHandler(MotoRequestHandler):
    """The call log has every request; the terminal needs none."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        self.close_connection = True
        if isinstance(error, ConnectionDropped):
            abort(self.connection)


def make_simulator(
    host: str, port: int, *, time_scale: float, seed: int, fleet: bool
) -> BaseWSGIServer:
    """A bound server with its accounts seeded; the caller runs serve_forever().

    Patches moto for the whole process: at most one per process.
    """
    mock_random.seed(seed)
    forget_other_regions()
    simulator = Simulator(time_scale)
    seed_accounts()
    seed_topics()
    if fleet:
        seed_fleet(seed)
    server = make_server(host, port, simulator, threaded=True, request_handler=QuietHandler)
    tools = simulator.extensions.tools
    tools.endpoint, tools.seeded = f"http://{host}:{server.port}", fleet
    return server
