"""This machine's inference engine: probed kernels, resident models. A fault of the machine stops the node."""

import gc

from chain.logs import Log
from inference import ModelCache
from inference.executor import conformance

YOUNG_OBJECTS = 50_000
"""Objects made before a young collection: a block makes many that die at its end without any collector."""

log = Log("inference")


class MachineFault(Exception):
    """This machine cannot execute models as consensus demands; the text says why and what to do."""


def probed_models(cache_bytes: int, threads: int) -> ModelCache:
    """Models run by those kernels that give the defined bits on this machine. Raises `MachineFault`."""
    report = conformance()
    if report.reference_failures:
        raise MachineFault(
            "the reference executor gives wrong results on this machine in "
            f"{', '.join(report.reference_failures)}: reinstall numpy, or check the memory of this machine"
        )
    for failure in report.failures:
        log.warn("Kernel disabled: it failed the probe", kernel=failure.kernel, why=failure.detail)
    log.info("Inference kernels probed", disabled=len(report.disabled), threads=threads)
    return ModelCache(cache_bytes, threads=threads)


def settle_memory() -> None:
    """Call when everything long-lived exists: collections then look only at what is new.

    A full collection over the caches of a large chain would otherwise stop a block for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
