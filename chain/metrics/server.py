"""The HTTP server of the metrics: `/metrics` for Prometheus, `/health` for whoever restarts a dead node."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from chain.logs import Log

log = Log("metrics")

DEFAULT_PORT = 9_615
"""Substrate's."""


class MetricsServerError(Exception):
    """The metrics cannot be served; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where the metrics are served; port 0 takes a free one.

    Not `required`: a node whose port is taken, as by a second node on this machine, goes on without metrics.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    required: bool = True


class MetricsServer:
    """Serves a registry; `is_ready` says whether the node is up to date."""

    def __init__(
        self, config: MetricsConfig, registry: CollectorRegistry, is_ready: Callable[[], bool]
    ) -> None:
        self._config = config
        self._registry = registry
        self._is_ready = is_ready
        app = web.Application(client_max_size=0)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health", self._health)
        app.router.add_get("/health/readiness", self._readiness)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        self.port = config.port

    async def start(self) -> None:
        """Listen. Raises `MetricsServerError` where the metrics are required and cannot be served."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._config.host, self._config.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            fault = MetricsServerError(
                f"metrics cannot be served on {self._config.host}:{self._config.port} ({error.strerror}): "
                "choose another --prometheus-port, or give --no-prometheus"
            )
            if self._config.required:
                raise fault from error
            log.warn(str(fault))
            return
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readiness(self, _: web.Request) -> web.Response:
        ready = self._is_ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)
