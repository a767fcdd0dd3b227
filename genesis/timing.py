"""The timing that a specification fixes, and the runtime that is composed for it."""

from genesis.spec import ChainSpec, InvalidSpec, PlainGenesis, RawGenesis, SpecFault
from runtime.configuration import build_runtime
from runtime.executive import Runtime
from runtime.frame.engine import InferenceEngine, NoEngine
from runtime.frame.session_crypto import NO_CRYPTO, SessionCrypto
from runtime.frame.timing import DEFAULT_TIMING, ChainTiming
from runtime.pallets.babe import Babe
from runtime.pallets.babe.genesis import timing_of_config
from runtime.primitives.scale import InvalidScale, codec

_TIMING = codec(ChainTiming)


def timing_of(spec: ChainSpec) -> ChainTiming:
    """How fast the chain of a specification lives. Raises `InvalidGenesis` (plain form), `InvalidSpec`."""
    match spec.genesis:
        case PlainGenesis(config):
            return timing_of_config(config)
        case RawGenesis(top):
            raw = top.get(Babe.timing.key())
            try:
                return DEFAULT_TIMING if raw is None else _TIMING.decode(raw)
            except InvalidScale as error:
                path = f"$.genesis.raw.top[0x{Babe.timing.key().hex()}]"
                raise InvalidSpec(SpecFault.BAD_VALUE, path, f"no timing: {error}") from error


def runtime_of(
    spec: ChainSpec, engine: InferenceEngine | None = None, crypto: SessionCrypto = NO_CRYPTO
) -> Runtime:
    """The runtime of a chain; who executes blocks must give both `engine` and `crypto`.

    Raises as `timing_of`.
    """
    return build_runtime(NoEngine() if engine is None else engine, crypto, timing_of(spec))
