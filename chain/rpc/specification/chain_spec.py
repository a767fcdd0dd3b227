"""`chainSpec_v1_*`: which chain this is."""

from chain.store import Store
from genesis.spec import ChainSpec
from network.rpc import Json, method


class ChainSpecMethods:
    """The group `chainSpec`."""

    def __init__(self, spec: ChainSpec, store: Store) -> None:
        self._spec = spec
        self._store = store

    @method("chainSpec_v1_chainName")
    def chain_name(self) -> str:
        """The name of the chain."""
        return self._spec.name

    @method("chainSpec_v1_genesisHash")
    def genesis_hash(self) -> bytes:
        """The hash of the first block."""
        return self._store.genesis_hash

    @method("chainSpec_v1_properties")
    def properties(self) -> Json:
        """How clients show the chain's amounts and addresses: ss58Format, tokenDecimals, tokenSymbol."""
        return dict(self._spec.properties)
