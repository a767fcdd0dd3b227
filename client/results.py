"""What the client answers: plain frozen records, hashes as bytes, amounts in planck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.reading import unhex
from client.tensors import spec_from_json
from inference.ir.types import TensorSpec
from runtime.frame.events import EventRecord


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """Which rules a node runs."""

    spec_name: str
    spec_version: int
    transaction_version: int

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> RuntimeVersion:
        """From `state_getRuntimeVersion`."""
        return RuntimeVersion(
            str(value["specName"]), int(value["specVersion"]), int(value["transactionVersion"])
        )


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block. `fee` is what the sender paid, tip included; `events` are the
    transaction's."""

    hash: bytes
    block_hash: bytes
    index: int
    finalized: bool
    fee: int | None
    events: tuple[EventRecord, ...]

    def event(self, kind: type[Any]) -> Any | None:
        """The first event of this kind, or None."""
        return next((record.event for record in self.events if isinstance(record.event, kind)), None)


@dataclass(frozen=True, slots=True)
class Model:
    """A published model. `id` is the Blake2b-256 of its artifact; `ref_time` of one inference in
    picoseconds."""

    id: bytes
    owner: str
    status: str
    published: int
    size: int
    ref_time: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Model:
        """From `models_get` or an entry of `models_list`."""
        return Model(
            id=unhex(value["id"]),
            owner=str(value["owner"]),
            status=str(value["status"]),
            published=int(value["published"]),
            size=int(value["size"]),
            ref_time=int(value["refTime"]),
            inputs=tuple(map(spec_from_json, value["inputs"])),
            outputs=tuple(map(spec_from_json, value["outputs"])),
        )

    @property
    def takes_calls(self) -> bool:
        """Whether it is published and not withdrawn."""
        return self.status.lower() == "published"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one inference costs in the next block: its own fee, and the whole fee of a transaction without
    tip."""

    ref_time: int
    proof_size: int
    inference_fee: int
    partial_fee: int

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Estimate:
        """From `inference_estimate`."""
        weight = value["weight"]
        return Estimate(
            int(weight["refTime"]),
            int(weight["proofSize"]),
            int(value["inferenceFee"]),
            int(value["partialFee"]),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an inference left on chain; `output` are raw tensors in declared order."""

    id: bytes
    model: bytes
    caller: str
    input_hash: bytes
    output: tuple[bytes, ...]
    block: int
    block_hash: bytes
    extrinsic: int
    opset: int
    finalized: bool

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Receipt:
        """From `inference_receipt`."""
        return Receipt(
            id=unhex(value["id"]),
            model=unhex(value["model"]),
            caller=str(value["caller"]),
            input_hash=unhex(value["inputHash"]),
            output=tuple(map(unhex, value["output"])),
            block=int(value["block"]),
            block_hash=unhex(value["blockHash"]),
            extrinsic=int(value["extrinsic"]),
            opset=int(value["opset"]),
            finalized=bool(value["finalized"]),
        )


@dataclass(frozen=True, slots=True)
class Publication:
    """A model on chain; `inclusion` is None when it was there before and nothing had to be sent."""

    model: bytes
    inclusion: Inclusion | None


@dataclass(frozen=True, slots=True)
class Inference:
    """An inference that the chain made. `saturated` counts clipped input values, by input."""

    receipt: bytes
    model: bytes
    raw: tuple[bytes, ...]
    integers: Mapping[str, npt.NDArray[np.integer]]
    outputs: Mapping[str, npt.NDArray[Any]]
    """Real numbers by output name, as `Model.run` gives them."""
    saturated: Mapping[str, int]
    inclusion: Inclusion
