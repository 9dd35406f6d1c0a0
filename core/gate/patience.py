"""Connections of the gate that send no whole request in time are closed.

The server itself waits for ever for the rest of a request's head, so that a sender of one byte a
minute (Slowloris) holds connections until the system has none left. Knows no route.
"""

import asyncio

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_S = 20.0  # for the head of a request; a connection without one lives up to twice as long


class TimedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol; it ends a connection in which no request began since the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to look after the connection."""
        super().connection_made(transport)
        self._request_before: object = None
        self.loop.call_later(HEAD_S, self._look_again)

    def _look_again(self) -> None:
        if self.transport.is_closing():
            return
        # A cycle is a request whose head has arrived, with its answer.
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is self._request_before:
            self.transport.close()
            return
        self._request_before = self.cycle
        self.loop.call_later(HEAD_S, self._look_again)
