"""The metadata of the current runtime, in each version, decoded by hand."""

from typing import Any

import pytest

from runtime.configuration import build_runtime
from runtime.executive import RuntimeApi
from runtime.frame.engine import NoEngine
from runtime.metadata import VERSIONS
from tests.runtime.metadata.decoder import Decoder


@pytest.fixture(scope="session")
def api() -> RuntimeApi:
    """The interfaces of the current runtime."""
    return RuntimeApi(build_runtime(NoEngine()))


@pytest.fixture(scope="session")
def decoded(api: RuntimeApi) -> dict[int, dict[str, Any]]:
    """What each version says."""
    return {version: Decoder(api.metadata(version)).metadata() for version in VERSIONS}


@pytest.fixture(scope="session")
def newest(decoded: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """What the newest version says."""
    return decoded[max(decoded)]
