"""What waits to be sent to one peer: bounded, urgent messages first."""

from collections import deque

from network.messages import Message
from network.transport.channel import STREAMS, Piece, pieces
from network.wire import encode, urgency

MAX_WAITING_BYTES = 16 << 20
"""Two answers of full size. Who reads so slowly that more piles up is disconnected: it would only waste
memory, and finds the same elsewhere when it is faster.
"""

MAX_WAITING_MESSAGES = 8_192


class Outbox:
    """Pieces by urgency; `add` says whether there was room."""

    def __init__(self) -> None:
        self._queues: list[deque[Piece]] = [deque() for _ in range(STREAMS)]
        self._bytes = 0
        self._messages = 0

    def __len__(self) -> int:
        return self._messages

    def add(self, message: Message) -> bool:
        """Queue a message; False where the peer is too slow for it."""
        frame = encode(message)
        if self._bytes + len(frame) > MAX_WAITING_BYTES or self._messages >= MAX_WAITING_MESSAGES:
            return False
        self._queues[urgency(message)].extend(pieces(urgency(message), frame))
        self._bytes += len(frame)
        self._messages += 1
        return True

    def pop(self) -> Piece | None:
        """The next piece to send."""
        for queue in self._queues:
            if queue:
                piece = queue.popleft()
                self._bytes -= len(piece.content)
                self._messages -= piece.is_last
                return piece
        return None

    def clear(self) -> None:
        """Let go of everything."""
        for queue in self._queues:
            queue.clear()
        self._bytes = self._messages = 0
