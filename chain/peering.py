"""A node's peers as its RPC shows them; also for a node that has none."""

from collections.abc import Callable

from chain.core import SyncStatus
from network.messages import PeerId
from network.service import NetworkService, PeerInfo


class Peering:
    """`chain.rpc.system.Network` over the network service, where there is one."""

    def __init__(self, network: NetworkService | None, sync: Callable[[], SyncStatus]) -> None:
        self._network = network
        self._sync = sync

    @property
    def should_have_peers(self) -> bool:
        """Whether the node belongs to a network at all."""
        return self._network is not None

    @property
    def is_syncing(self) -> bool:
        """Whether it is far behind its peers."""
        return self._sync().is_major

    @property
    def highest_block(self) -> int:
        """The highest block that it has heard of."""
        return self._sync().target

    def peers(self) -> list[PeerInfo]:
        """The connected peers."""
        return self._network.peers() if self._network is not None else []

    def listen_addresses(self) -> list[str]:
        """Where peers reach it."""
        return [str(one) for one in self._network.addresses] if self._network is not None else []

    def reserve(self, address: str) -> None:
        """Keep a connection to a peer. Raises `InvalidAddress`."""
        if self._network is not None:
            self._network.reserve(address)

    def release(self, peer: PeerId) -> None:
        """Treat a reserved peer like others."""
        if self._network is not None:
            self._network.release(peer)

    def reserved(self) -> list[PeerId]:
        """The peers that are always wanted."""
        return list(self._network.reserved()) if self._network is not None else []
