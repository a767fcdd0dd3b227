"""Which runtime executes a block: the state of the parent says so.

An upgrade is scheduled on chain for a height. Old versions stay in the node, so that the chain replays from
genesis; a node that lacks a version stops in front of the first block that needs it.
"""

from collections.abc import Iterable

from runtime.executive.runtime import Runtime
from runtime.frame.errors import BlockReason, InvalidBlock
from runtime.pallets.system import System
from runtime.pallets.system.types import LastRuntimeUpgradeInfo, ScheduledUpgrade
from runtime.primitives.scale import codec
from runtime.primitives.state import StateReader

_LAST = (System.last_runtime_upgrade.key(), codec(LastRuntimeUpgradeInfo))
_SCHEDULED = (System.scheduled_upgrade.key(), codec(ScheduledUpgrade))


class Runtimes:
    """All versions that this node has."""

    def __init__(self, runtimes: Iterable[Runtime]) -> None:
        self._by_version = {each.version.spec_version: each for each in runtimes}

    def of_state(self, state: StateReader) -> Runtime:
        """The runtime that executed the block whose state this is: it reads what that block wrote."""
        return self._known(self._current(state), "this state was written")

    def for_block(self, number: int, parent: StateReader) -> Runtime:
        """The runtime that executes block `number` on this state; `UNKNOWN_SPEC_VERSION` without it."""
        raw = parent.get(_SCHEDULED[0])
        scheduled = None if raw is None else _SCHEDULED[1].decode(raw)
        due = scheduled is not None and number >= scheduled.at
        version = scheduled.spec_version if scheduled is not None and due else self._current(parent)
        return self._known(version, f"block {number} is executed")

    @staticmethod
    def _current(state: StateReader) -> int:
        raw = state.get(_LAST[0])
        return 0 if raw is None else _LAST[1].decode(raw).spec_version

    def _known(self, version: int, what: str) -> Runtime:
        found = self._by_version.get(version)
        if found is None:
            have = ", ".join(str(each) for each in sorted(self._by_version))
            raise InvalidBlock(
                BlockReason.UNKNOWN_SPEC_VERSION,
                f"{what} by spec version {version}, this node has {have}: install a release that knows it",
                version,
            )
        return found
