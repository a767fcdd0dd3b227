"""What a rejected block says about the peer that sent it."""

from chain.importing import RejectedBlock, RejectionReason
from network.messages import PeerFault

_FAULTS = {
    RejectionReason.HEADER: PeerFault.BAD_HEADER,
    RejectionReason.EXECUTION: PeerFault.BAD_BLOCK,
    RejectionReason.STATE_ROOT: PeerFault.BAD_BLOCK,
    RejectionReason.JUSTIFICATION: PeerFault.BAD_JUSTIFICATION,
}


def fault_of(rejected: RejectedBlock) -> PeerFault | None:
    """The sender's fault; None where a correct peer may send such a block: one that finality overtook, whose
    parent went, or whose slot has not come by our clock.
    """
    if rejected.is_early:
        return None
    return _FAULTS.get(rejected.reason)
