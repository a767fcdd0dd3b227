"""Counters and histograms that the node feeds while it works. For any thread."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from chain.authoring import Authored
from chain.importing.importer import RECEIPTS_PREFIX
from chain.notifications import BlockImported

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Edges for blocks: an empty one takes some 3 ms, a full one two seconds."""


class Recorder:
    """All metrics that count or time; `registry` is what the server shows."""

    def __init__(self, chain: str) -> None:
        self.registry = CollectorRegistry()
        labels = ["chain"]

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(name, text, labels, buckets=SECONDS, registry=self.registry)

        self.imported = histogram(
            "substrate_block_verification_and_import_time", "Seconds to verify, execute and store a block"
        ).labels(chain)
        self.constructed = histogram(
            "substrate_proposer_block_constructed", "Seconds to build, seal and store an own block"
        ).labels(chain)
        self.included = Counter(
            "substrate_proposer_number_of_transactions",
            "Transactions in own blocks",
            labels,
            registry=self.registry,
        ).labels(chain)
        self._ended = Counter(
            "substrate_proposer_end_proposal_reason",
            "Why own blocks took no more transactions",
            [*labels, "reason"],
            registry=self.registry,
        )
        self._processed = Counter(
            "substrate_import_queue_processed",
            "Blocks that went through the importer",
            [*labels, "result"],
            registry=self.registry,
        )
        self.submitted = counter(
            "substrate_sub_txpool_submitted_transactions", "Transactions offered to the pool"
        ).labels(chain)
        self.pruned = counter(
            "substrate_sub_txpool_block_transactions_pruned", "Transactions that left the pool in a block"
        ).labels(chain)
        self.inferences = counter(
            "fixpoint_inferences", "Model calls that left a receipt, in imported blocks"
        ).labels(chain)
        self._chain = chain

    def block(self, block: BlockImported) -> None:
        """A block was stored, whoever built it."""
        self._processed.labels(self._chain, "success").inc()
        written = (key for key, value in block.changes.items() if value is not None)
        self.inferences.inc(sum(key.startswith(RECEIPTS_PREFIX) for key in written))

    def rejected(self) -> None:
        """A block broke a rule."""
        self._processed.labels(self._chain, "failure").inc()

    def authored(self, authored: Authored) -> None:
        """This node built a block."""
        self.included.inc(len(authored.proposal.included))
        self._ended.labels(self._chain, authored.proposal.ended.value).inc()
