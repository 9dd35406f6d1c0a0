"""Readers of the dashboard without their browsers: they speak Streamlit's protocol and time what
the server answers.

Why not twenty pages of Chromium: each needs some seconds of processor time to draw five charts
anew, so on two cores twenty of them would measure Chromium, which in real use runs on the readers'
own machines. What is sent is what a real page of this very server has sent (`Recorded`), with
another threshold in it, so the client cannot grow apart from the page. Like the page it names the
messages it still has, which the server then does not send again, and it follows the watch's
fragment.
"""

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

CACHED_RUNS = 2  # how many runs long a page keeps a message: global.maxCachedMessageAge
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Recorded:
    """What a real page sent: on opening, by its watch, and on a release of the handle."""

    opening: bytes
    watch: bytes
    release: bytes

    @classmethod
    def among(cls, sent: list[bytes]) -> "Recorded":
        """Pick them from all that a page has sent. Raises ValueError where one is missing."""
        asked = [(message, BackMsg.FromString(message).rerun_script) for message in sent]
        kinds = {
            "opening": [m for m, rerun in asked if not rerun.widget_states.widgets],
            "watch": [m for m, rerun in asked if rerun.fragment_id and rerun.is_auto_rerun],
            "release": [
                m
                for m, rerun in asked
                if not rerun.fragment_id and any(map(_is_handle, rerun.widget_states.widgets))
            ],
        }
        missing = [kind for kind, found in kinds.items() if not found]
        if missing:
            raise ValueError(
                f"the page sent no message of {' and '.join(missing)}: was the handle moved for two"
                " seconds?"
            )
        return cls(**{kind: found[-1] for kind, found in kinds.items()})


@dataclass
class Session:
    """One reader: a socket, the messages that its page would still have, and the number of its last
    move.
    """

    socket: websockets.ClientConnection
    recorded: Recorded
    held: deque = field(default_factory=lambda: deque([set()], maxlen=CACHED_RUNS))
    moves: int = 0
    answer: list[bytes] = field(default_factory=list)  # components of the last run, as they came

    async def open(self) -> float:
        """Open the page; seconds until the server has said all of it."""
        return await self._ask(BackMsg.FromString(self.recorded.opening))

    async def watch(self) -> float:
        """Let the watch look for news."""
        return await self._ask(BackMsg.FromString(self.recorded.watch))

    async def release(self, step: int) -> float:
        """Release the handle at `step` thousandths; seconds until figures and charts of that
        threshold are all there.
        """
        message = BackMsg.FromString(self.recorded.release)
        self.moves += 1
        for widget in message.rerun_script.widget_states.widgets:
            if _is_handle(widget):
                widget.json_value = json.dumps({"move": {"step": step, "seq": self.moves}})
        return await self._ask(message, f'"step": {step}')

    async def _ask(self, message: BackMsg, expected: str = "") -> float:
        """Send, and read to the end of the run. Raises ValueError where the run failed or
        `expected` is not in its answer.
        """
        del message.rerun_script.cached_message_hashes[:]
        message.rerun_script.cached_message_hashes.extend(set().union(*self.held))
        begun, said, held = time.perf_counter(), False, set()
        self.answer = []
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = ForwardMsg.FromString(await self.socket.recv())
                kind = answer.WhichOneof("type")
                if answer.metadata.cacheable or kind == "ref_hash":
                    held.add(answer.hash or answer.ref_hash)
                if kind == "delta":
                    self.answer.append(answer.delta.new_element.SerializeToString())
                    said |= _says(answer, expected)
                if kind == "script_finished":
                    break
        if not message.rerun_script.fragment_id:
            self.held.append(held)
        if expected and not said:
            raise ValueError(f"the answer does not show {expected}")
        return time.perf_counter() - begun


async def connected(address: str, recorded: Recorded) -> Session:
    """A new session of the server at `address`, http://host:port/."""
    url = address.replace("http", "ws", 1) + "_stcore/stream"
    socket = await websockets.connect(
        url, subprotocols=["streamlit"], max_size=None, compression=None
    )
    return Session(socket, recorded)


def _is_handle(widget) -> bool:
    return widget.id.endswith("-handle")


def _says(answer: ForwardMsg, expected: str) -> bool:
    """Whether an element's component data hold `expected`; an exception on the page raises
    ValueError.
    """
    element = answer.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "exception":
        raise ValueError(f"the page shows an exception: {element.exception.message}")
    return (
        kind == "bidi_component"
        and expected in element.bidi_component.SerializeToString().decode("utf-8", "replace")
    )
