"""What tests of several kinds share."""

from collections.abc import Iterator

import pytest

from tests.sources.loopback_hub import LoopbackHub


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A Hub that every source asks in place of the real one, without a token."""
    hub = LoopbackHub()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield hub
    hub.close()
