"""The Hugging Face Hub: configuration and weight headers of a repository, never its weights.

Needs the `hub` extra (huggingface_hub), imported only here and only when asked. The token, HF_ENDPOINT mirrors and
HF_HUB_OFFLINE are its own settings; code from a repository is never downloaded, let alone run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from catalog.sources import folder, safetensors_header
from catalog.sources.checkpoint import (
    CONFIG_LIMIT_BYTES,
    INDEX_LIMIT_BYTES,
    Cancelled,
    Checkpoint,
    Progress,
    Stored,
    parse_json,
    quantization_beside,
    total,
)
from catalog.sources.reading import Patience, Reading
from estimator.errors import InputError
from estimator.models.quantization import quantization_section
from estimator.printable import printable

NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}[\w-])?/[A-Za-z0-9](?:[\w.-]{0,94}\w)?", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,120}", re.ASCII)
ENDPOINT = re.compile(r"https?://[A-Za-z0-9._-]+(:\d{1,4}|:[1-5]\d{4}|:6[0-4]\d{3})?(/[\w./-]*)?", re.ASCII)
PATIENCE_S = (5.0, 10.0, 10.0, 10.0)
"""Seconds to connect, to read, to write and to wait for a free connection: engineering guesses."""
WHOLE_S = 120.0
"""Longest time in seconds without a finished file: a server that only trickles is given up. Engineering guess."""
ALTOGETHER_S = 900.0
"""Longest time in seconds for a whole repository: engineering guess, 1,000 headers over a slow line."""
POLL_S = 0.05
"""Seconds between two looks at the readers, and so the longest that a cancellation waits. Engineering guess."""
HOME = "https://huggingface.co"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MOST_SHARDS = 1_000
"""Engineering guess: published models have up to some 200."""
MODELOPT_FILE = "hf_quant_config.json"
QUANTISED_NAME = re.compile(r"gptq|awq", re.IGNORECASE)
WORKERS = 8
"""Headers read at once: engineering guess that hides the latency without being a burden."""


class Repository(NamedTuple):
    """A repository of the Hub, `org/name`, optionally at a revision."""

    id: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def repository(reference: str) -> Repository | None:
    """The repository that `org/name[@revision]` names; None where the text is no such name."""
    name, at, revision = reference.partition("@")
    if not NAME.fullmatch(name) or ".." in name or "--" in name or name.endswith(".git"):
        return None
    if at and (not REVISION.fullmatch(revision) or ".." in revision):
        return None
    return Repository(name, revision or None)


def fetch(repo: Repository, progress: Progress) -> Checkpoint:
    """Reads a repository's configuration and weight headers. Raises InputError that says what stands in the way.

    The reading runs in threads of its own, which a deadline or a cancellation leaves behind: no server can hold this
    one. `progress` is called from the caller's thread.
    """
    with _library_errors(repo):
        try:
            from huggingface_hub import constants
        except ImportError:
            wanted = f"{repo.id} is not in the catalogue; `pip install 'llmcalc-tui[hub]'` lets it be fetched"
            raise InputError("model", wanted) from None
        if constants.is_offline_mode():
            return _cached(repo)
        patience = Patience(stall_s=WHOLE_S, whole_s=ALTOGETHER_S, poll_s=POLL_S, workers=WORKERS)
        reading = Reading(progress, f"{repo.id}: {_endpoint()}", patience)
        hub = _Hub(repo, _endpoint(), reading)
        reading.report("config.json", 0, 1)
        progress("config.json", 0, 1)
        [checkpoint] = reading.all([lambda: _checkpoint(hub)])
        [shards] = reading.all([lambda: _shards(hub)])
        parts = reading.all([partial(hub.header, shard) for shard in shards], "weight headers")
        return checkpoint._replace(stored=total(parts) if parts else None)


@contextmanager
def _library_errors(repo: Repository) -> Iterator[None]:
    """The network library's own complaints, its settings in the environment among them, as InputError."""
    try:
        yield
    except (InputError, Cancelled):
        raise
    except Exception as error:  # huggingface_hub and httpx raise ValueError, TypeError and their own at will
        reason = f"huggingface_hub: {type(error).__name__}: {printable(error, 160)}"
        raise InputError("model", f"{repo.id}: {reason}; check HF_* and *_proxy in the environment") from None


def _checkpoint(hub: "_Hub") -> Checkpoint:
    """The configuration and its quantisation, without the weights."""
    repo = hub.repo
    text = hub.file("config.json", CONFIG_LIMIT_BYTES)
    if text is None:
        raise InputError("model", f"{repo.id} has no config.json; where it holds GGUF files, pass the path of one")
    config = parse_json(text, f"{repo.id}: config.json")
    quantization = quantization_section(config)
    if quantization is None:
        quantization = quantization_beside(lambda name: _json_file(hub, name))
    return Checkpoint(id=str(repo), config=config, quantization=quantization, source=f"{hub.endpoint}/{repo.id}")


def _json_file(hub: "_Hub", name: str) -> dict[str, Any] | None:
    """A small file of the repository; None where there is none.

    What AutoGPTQ and AutoAWQ wrote is asked for only under a name that speaks of them: it costs a request each.
    """
    if name != MODELOPT_FILE and not QUANTISED_NAME.search(hub.repo.id):
        return None
    text = hub.file(name, CONFIG_LIMIT_BYTES)
    return parse_json(text, f"{hub.repo.id}: {name}") if text else None


def _endpoint() -> str:
    """Address of the Hub, or of the mirror that HF_ENDPOINT names."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HOME
    if not ENDPOINT.fullmatch(endpoint):
        raise InputError("HF_ENDPOINT", f"{endpoint[:80]!a} is no http or https address")
    return endpoint


def _shards(hub: "_Hub") -> list[str]:
    """Names of the weight files. Raises InputError for an index that names too many or files elsewhere."""
    index = hub.file("model.safetensors.index.json", INDEX_LIMIT_BYTES)
    if index is None:
        return ["model.safetensors"] if hub.exists("model.safetensors") else []
    where = f"{hub.repo.id}: model.safetensors.index.json"
    weight_map = parse_json(index, where, INDEX_LIMIT_BYTES).get("weight_map")
    if not isinstance(weight_map, dict):
        raise InputError(where, "no weight_map")
    shards = sorted({str(shard) for shard in weight_map.values()})
    if len(shards) > MOST_SHARDS:
        raise InputError(where, f"names {len(shards):,} files; at most {MOST_SHARDS:,} are read")
    if any("/" in shard or ".." in shard for shard in shards):
        raise InputError(where, "a shard outside the repository's own folder")
    return shards


class _Hub(NamedTuple):
    """One repository, read over HTTP in bounded pieces."""

    repo: Repository
    endpoint: str
    reading: Reading

    def file(self, name: str, limit: int) -> bytes | None:
        """A whole small file; None where the repository has no such file."""
        with self._open(name) as response:
            return None if response is None else self._take(response, 0, limit + 1)

    def exists(self, name: str) -> bool:
        """Whether the repository has a file of that name."""
        with self._open(name, {"Range": "bytes=0-7"}) as response:
            return response is not None

    def header(self, shard: str) -> dict[str, Stored]:
        """Elements and bytes by data type of one shard, from its first bytes."""

        def between(start: int, stop: int) -> bytes:
            with self._open(shard, {"Range": f"bytes={start}-{stop - 1}"}) as response:
                if response is None:
                    raise InputError("model", f"{self.repo.id}: the index names {shard}, which does not exist")
                ignored = response.status_code == 200  # a server that sends the whole file is read no further
                return self._take(response, start if ignored else 0, stop if ignored else stop - start)

        return safetensors_header.read(between, f"{self.repo.id}: {printable(shard, 100)}")

    @contextmanager
    def _open(self, name: str, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[Any]:
        """The response being streamed, or None where the repository has no such file."""
        from huggingface_hub import get_session, get_token, hf_hub_url
        from huggingface_hub.errors import HTTPError

        url = hf_hub_url(self.repo.id, name, revision=self.repo.revision, endpoint=self.endpoint)
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
            reason = f"{self.endpoint} does not answer ({type(error).__name__} at {printable(name, 100)})"
            way_on = "a folder, a config.json or a .gguf needs no network"
            raise InputError("model", f"{self.repo.id}: {reason}; {way_on}") from None

    def _take(self, response: Any, start: int, stop: int) -> bytes:
        """The bytes of a response from `start` up to `stop`; the rest is never read."""
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            self.reading.report(response.url.path.rpartition("/")[2], len(content), stop)
            if len(content) >= stop:
                break
        return bytes(content[start:stop])

    def _refusal(self, status: int, code: str) -> str:
        """What stands in the way, and the way on."""
        name, revision = self.repo
        if code == "GatedRepo":
            return f"{name} is gated: accept its terms at {self.endpoint}/{name}, then set HF_TOKEN"
        if code == "RevisionNotFound":
            return f"{name} has no revision {revision!r}"
        if code == "RepoNotFound" or status in (401, 403, 404):
            return f"{name} does not exist on the Hub, or is private: check the spelling, or set HF_TOKEN"
        if status == 429:
            return f"{name}: the Hub asks to slow down (429); try again in a minute, or set HF_TOKEN"
        return f"{name}: the Hub answers {status}; try again"


def _cached(repo: Repository) -> Checkpoint:
    """The checkpoint as huggingface_hub's own cache holds it. Raises InputError where it does not."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo.id, "config.json", revision=repo.revision)
    if not isinstance(path, str):
        raise InputError("model", f"{repo.id} is not kept here and HF_HUB_OFFLINE is set")
    return folder.read(Path(path).parent, lambda *_: None)._replace(id=str(repo), source=f"{HOME}/{repo.id}")
