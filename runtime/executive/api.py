"""`state_call`: the runtime's interfaces by name, over any state.

Pallets declare those that are about themselves with `@runtime_api`, `Interfaces` the rest; both are decoded,
answered and described in metadata by their annotations.
"""

from collections.abc import Callable
from typing import Any

from runtime.executive.interfaces import Interfaces
from runtime.executive.runtime import Runtime
from runtime.frame.api import ApiMethod, apis_of
from runtime.metadata import describe, encode
from runtime.primitives.scale import InvalidScale, ScaleReason
from runtime.primitives.state import StateReader


class UnknownApi(LookupError):
    """No interface function has this name; the text is what clients of Substrate's nodes look for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Exported method {name} is not found")
        self.name = name


class RuntimeApi:
    """The interface functions of one runtime, and the metadata that describes it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._functions: dict[str, ApiMethod] = apis_of(Interfaces)
        for pallet in runtime.composition.pallets:
            self._functions.update(pallet.apis)
        self._metadata: dict[int, bytes] = {}

    @property
    def names(self) -> list[str]:
        """All functions, sorted."""
        return sorted(self._functions)

    def metadata(self, version: int) -> bytes:
        """The metadata in one of `runtime.metadata.VERSIONS`, made at the first request and kept."""
        known = self._metadata.get(version)
        if known is None:
            functions = [self._functions[name] for name in self.names]
            described = describe(self.runtime.composition, self.runtime.pipeline.extensions, functions)
            known = self._metadata[version] = encode(described, version)
        return known

    def call(
        self,
        name: str,
        parameters: bytes,
        state: StateReader,
        submit: Callable[[bytes], None] | None = None,
    ) -> bytes:
        """The SCALE answer of a function; `UnknownApi`, or `InvalidScale` where the parameters are none.

        `submit` takes the extrinsics that functions such as `..._submit_report_...` make for the pool; where
        nobody takes them, such functions answer that they did nothing.
        """
        method = self._functions.get(name)
        if method is None:
            raise UnknownApi(name)
        scale = self.runtime.composition.calls.scale
        arguments: list[Any] = []
        offset = 0
        for _, annotation in method.parameters:
            argument, offset = scale.codec(annotation).decode_from(parameters, offset)
            arguments.append(argument)
        if offset != len(parameters):
            detail = f"{len(parameters) - offset} bytes remain"
            raise InvalidScale(ScaleReason.TRAILING_BYTES, detail, offset=offset)
        if method.owner is Interfaces:
            owner: object = Interfaces(self, state)
        else:
            env = self.runtime.view(state)
            env.submit = submit
            owner = env.pallet(method.owner)
        return scale.codec(method.result).encode(method.function(owner, *arguments))
