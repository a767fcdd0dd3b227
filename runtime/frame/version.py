"""The version of a runtime, as clients read it from `state_getRuntimeVersion` and `System.Version`."""

from dataclasses import dataclass

from runtime.primitives.hashing import blake2_64
from runtime.primitives.integers import U8, U32
from runtime.primitives.scale import Vector, codec, scale_path
from runtime.primitives.types import Bytes8


@scale_path("sp_version::RuntimeVersion")
@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """Which rules execute blocks (`spec_version`) and decode transactions (`transaction_version`).

    `system_version` 1 means: state trie in version 1, extrinsics root in layout V0. `apis` lists the runtime
    interfaces that `state_call` serves: Blake2b-64 of the name, and the version.
    """

    spec_name: str
    impl_name: str
    authoring_version: U32
    spec_version: U32
    impl_version: U32
    apis: Vector[tuple[Bytes8, U32]]
    transaction_version: U32
    system_version: U8

    def encode(self) -> bytes:
        """SCALE bytes, as `Core_version` answers."""
        return VERSION.encode(self)

    @property
    def code(self) -> bytes:
        """The value of `:code`: no program, but bytes that change when clients must fetch metadata anew."""
        return f"{self.spec_name}-runtime/{self.spec_version}".encode()


VERSION = codec(RuntimeVersion)


def api_id(name: str) -> bytes:
    """The id of a runtime interface such as `Core`: 8 bytes."""
    return blake2_64(name.encode())
