"""`engine_*`: blocks on request, for tests that choose what each block holds."""

from typing import Protocol

from chain.rpc.failures import reported
from network.rpc import Json, method
from network.rpc.parameters import BlockHash


class Sealer(Protocol):
    """The part of a node that makes blocks on request; both raise `SealingRefused`."""

    async def create_block(self, *, create_empty: bool, finalise: bool) -> bytes:
        """Author a block on the best one; its hash."""
        ...

    async def finalise_block(self, block_hash: bytes) -> None:
        """Vote for a block."""
        ...


class EngineMethods:
    """The section `engine`, as in Substrate's manual seal."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    @method("engine_createBlock", unsafe=True)
    async def create_block(self, create_empty: bool = True, finalize: bool = True) -> Json:
        """Author a block on the best one, and make it final where asked to."""
        with reported():
            block = await self._sealer.create_block(create_empty=create_empty, finalise=finalize)
        return {"hash": block, "aux": _AUX, "proof_size": 0}

    @method("engine_finalizeBlock", unsafe=True)
    async def finalize_block(self, hash: BlockHash) -> bool:
        """Make a block final, and with it its ancestors."""
        with reported():
            await self._sealer.finalise_block(hash)
        return True


_AUX = {
    "header_only": False,
    "clear_justification_requests": False,
    "needs_justification": False,
    "bad_justification": False,
    "is_new_best": True,
}
"""`ImportedAux` of Substrate: what importing the block left open."""
