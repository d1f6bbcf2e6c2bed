"""The Hugging Face Hub: configuration and weight headers of a repository, never its weights.

Needs the `hub` extra (huggingface_hub), imported only here and only when asked. The token, HF_ENDPOINT mirrors and
HF_HUB_OFFLINE are its own settings; code from a repository is never downloaded, let alone run.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from catalog.sources import folder, safetensors_header
from catalog.sources.checkpoint import (
    CONFIG_LIMIT_BYTES,
    INDEX_LIMIT_BYTES,
    Checkpoint,
    Progress,
    Stored,
    parse_json,
    total,
)
from catalog.sources.folder import quantization_of
from estimator.errors import InputError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,120}")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9._-]+(:\d{1,4}|:[1-5]\d{4}|:6[0-4]\d{3})?(/[\w./-]*)?")
PATIENCE_S = (5.0, 10.0, 10.0, 10.0)
"""To connect, to read, to write and to wait for a free connection."""
WHOLE_S = 120.0
"""For one file that only trickles."""
HOME = "https://huggingface.co"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MOST_SHARDS = 1_000
WORKERS = 8


class Repository(NamedTuple):
    """`org/name`, optionally at a revision."""

    id: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def repository(reference: str) -> Repository | None:
    """The repository that `org/name[@revision]` names; None where the text is no such name."""
    name, at, revision = reference.partition("@")
    if not NAME.fullmatch(name) or ".." in name or "--" in name:
        return None
    if at and (not REVISION.fullmatch(revision) or ".." in revision):
        return None
    return Repository(name, revision or None)


def fetch(asked: Repository, progress: Progress) -> Checkpoint:
    """Reads a repository's configuration and weight headers. Raises InputError that says what stands in the way."""
    try:
        from huggingface_hub import constants
    except ImportError:
        wanted = f"{asked.id} is not in the catalogue; `pip install 'llmcalc-tui[hub]'` lets it be fetched"
        raise InputError("model", wanted) from None
    if constants.is_offline_mode():
        return _cached(asked)
    hub = _Hub(asked, _endpoint(), progress)
    progress("config.json", 0, 1)
    text = hub.file("config.json", CONFIG_LIMIT_BYTES)
    if text is None:
        raise InputError("model", f"{asked.id} has no config.json; where it holds GGUF files, pass the path of one")
    config = parse_json(text, f"{asked.id}: config.json")
    quantization = quantization_of(config)
    if quantization is None:
        modelopt = hub.file("hf_quant_config.json", CONFIG_LIMIT_BYTES)
        quantization = parse_json(modelopt, f"{asked.id}: hf_quant_config.json") if modelopt else None
    return Checkpoint(str(asked), config, quantization, _stored(hub), f"{hub.endpoint}/{asked.id}")


def _endpoint() -> str:
    """The Hub, or the mirror that HF_ENDPOINT names."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HOME
    if not ENDPOINT.fullmatch(endpoint):
        raise InputError("HF_ENDPOINT", f"{endpoint[:80]!a} is no http or https address")
    return endpoint


def _stored(hub: "_Hub") -> dict[str, Stored] | None:
    index = hub.file("model.safetensors.index.json", INDEX_LIMIT_BYTES)
    shards = ["model.safetensors"]
    if index is not None:
        where = f"{hub.asked.id}: model.safetensors.index.json"
        weight_map = parse_json(index, where, INDEX_LIMIT_BYTES).get("weight_map")
        if not isinstance(weight_map, dict):
            raise InputError(where, "no weight_map")
        shards = sorted({str(shard) for shard in weight_map.values()})[:MOST_SHARDS]
        if any("/" in shard or ".." in shard for shard in shards):
            raise InputError(where, "a shard outside the repository's own folder")
    elif not hub.exists("model.safetensors"):
        return None
    from concurrent.futures import ThreadPoolExecutor  # 8 ms, and most models have no shards to wait for

    parts = []
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for done, part in enumerate(pool.map(hub.header, shards)):
                hub.progress("weight headers", done, len(shards))
                parts.append(part)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return total(parts)


class _Hub(NamedTuple):
    """One repository, read over HTTP in bounded pieces."""

    asked: Repository
    endpoint: str
    progress: Progress

    def file(self, name: str, limit: int) -> bytes | None:
        """A whole small file; None where the repository has no such file."""
        with self._open(name) as response:
            return None if response is None else self._take(response, 0, limit + 1)

    def exists(self, name: str) -> bool:
        with self._open(name, {"Range": "bytes=0-7"}) as response:
            return response is not None

    def header(self, shard: str) -> dict[str, Stored]:
        """Elements and bytes by data type of one shard, from its first bytes."""

        def between(start: int, stop: int) -> bytes:
            with self._open(shard, {"Range": f"bytes={start}-{stop - 1}"}) as response:
                if response is None:
                    raise InputError("model", f"{self.asked.id}: the index names {shard}, which does not exist")
                ignored = response.status_code == 200  # a server that sends the whole file is read no further
                return self._take(response, start if ignored else 0, stop if ignored else stop - start)

        return safetensors_header.read(between, f"{self.asked.id}: {shard}")

    @contextmanager
    def _open(self, name: str, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[Any]:
        """The response being streamed, or None where the repository has no such file."""
        from huggingface_hub import get_session, get_token, hf_hub_url
        from huggingface_hub.errors import HTTPError

        url = hf_hub_url(self.asked.id, name, revision=self.asked.revision, endpoint=self.endpoint)
        token = get_token()
        sent = {"Accept-Encoding": "identity", **headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            with get_session().stream("GET", url, headers=sent, timeout=PATIENCE_S) as response:
                code = response.headers.get("X-Error-Code", "")
                if response.status_code == 404 and code in ("", "EntryNotFound"):
                    yield None
                elif response.status_code >= 400:
                    raise InputError("model", self._refusal(response.status_code, code))
                else:
                    yield response
        except UnicodeEncodeError:
            raise InputError("HF_TOKEN", "holds characters that no token has") from None
        except (HTTPError, OSError) as error:
            reason = f"{self.endpoint} does not answer ({type(error).__name__} at {name})"
            way_on = "a folder, a config.json or a .gguf needs no network"
            raise InputError("model", f"{self.asked.id}: {reason}; {way_on}") from None

    def _take(self, response: Any, start: int, stop: int) -> bytes:
        """The bytes of a response from `start` up to `stop`; the rest is never read."""
        content = bytearray()
        deadline = time.monotonic() + WHOLE_S
        for chunk in response.iter_bytes():
            content += chunk
            self.progress(response.url.path.rpartition("/")[2], len(content), stop)
            if len(content) >= stop:
                break
            if time.monotonic() > deadline:
                raise InputError(
                    "model", f"{self.asked.id}: {self.endpoint} is too slow, gave up after {WHOLE_S:.0f} s"
                )
        return bytes(content[start:stop])

    def _refusal(self, status: int, code: str) -> str:
        """What stands in the way, and the way on."""
        name, revision = self.asked
        if code == "GatedRepo":
            return f"{name} is gated: accept its terms at {self.endpoint}/{name}, then set HF_TOKEN"
        if code == "RevisionNotFound":
            return f"{name} has no revision {revision!r}"
        if code == "RepoNotFound" or status in (401, 403, 404):
            return f"{name} does not exist on the Hub, or is private: check the spelling, or set HF_TOKEN"
        if status == 429:
            return f"{name}: the Hub asks to slow down (429); try again in a minute, or set HF_TOKEN"
        return f"{name}: the Hub answers {status}; try again"


def _cached(asked: Repository) -> Checkpoint:
    """What huggingface_hub's own cache holds of it."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(asked.id, "config.json", revision=asked.revision)
    if not isinstance(path, str):
        raise InputError("model", f"{asked.id} is not kept here and HF_HUB_OFFLINE is set")
    return folder.read(Path(path).parent, lambda *_: None)._replace(id=str(asked), source=f"{HOME}/{asked.id}")
