"""Messages as bytes: msgpack frames that carry SCALE, strict and bounded before they are decoded."""

from network.wire.codec import MAX_MESSAGE_BYTES, decode, encode, urgency
from network.wire.fields import InvalidMessage, MessageReason

__all__ = ["MAX_MESSAGE_BYTES", "InvalidMessage", "MessageReason", "decode", "encode", "urgency"]
