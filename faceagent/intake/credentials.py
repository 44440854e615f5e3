"""C2PA content credentials: whether a signed manifest is there, whether it still fits the bytes, and what it says.

Verification is offline: no remote manifest, no revocation answer and no time stamp is fetched. No trust list is
shipped, because ours would be out of date the day after; without one a good signature is ``well_formed_untrusted``.
A list given in the settings makes ``trusted`` possible. Wraps c2pa-python, the only place that does.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from faceagent.intake.formats import FORMATS, sniff
from faceagent.intake.origins import GENERATORS, SYNTHETIC, known, source_type
from faceagent.intake.text import clean

State = Literal["none", "invalid", "well_formed_untrusted", "trusted"]

_STATES: dict[str | None, State] = {"Valid": "well_formed_untrusted", "Trusted": "trusted"}
_MARKS = (b"jumb", b"dcterms:provenance")
"""What every manifest, and every pointer to one, has in it: other files need no second parser."""
_CODE = re.compile(r"[A-Za-z0-9_.]{1,64}")
_MANY = 16
"""Actions, failures and ancestors that are kept of one file."""


@dataclass(frozen=True)
class Credentials:
    """What the active manifest says. Strings are cleaned foreign text; codes are those of the C2PA specification."""

    state: State
    generator: str = ""
    issuer: str = ""
    signed: str = ""
    actions: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()
    """Digital source types of the picture and of the pictures it was edited from."""
    generators: tuple[str, ...] = ()
    """Known generators among the programs that the manifests name."""
    failures: tuple[str, ...] = ()
    """Validation codes that failed, for example "assertion.dataHash.mismatch"."""
    remote: bool = False
    """The file only points to credentials kept elsewhere, which were not fetched."""

    @property
    def synthetic(self) -> bool:
        """Whether the manifest declares that a generative model made the picture, or part of it."""
        return not SYNTHETIC.isdisjoint(self.source_types)


def read_credentials(data: bytes, anchors: str = "") -> Credentials:
    """The content credentials of a picture as received. Never raises for content.

    ``anchors`` is PEM text with the root certificates to trust, or empty.
    """
    kind = sniff(data)
    if kind is None or not any(mark in data for mark in _MARKS):
        return Credentials("none")
    import c2pa

    try:
        reader = c2pa.Reader.try_create(FORMATS[kind].mime, io.BytesIO(data), context=_context(anchors))
        if reader is None:
            return Credentials("none")
        with reader:
            state = _STATES.get(reader.get_validation_state(), "invalid")
            results = reader.get_validation_results() or {}
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        if str(error).startswith("Remote"):
            return Credentials("none", remote=True)
        # A manifest that is there and cannot be parsed is a broken one; a file that c2pa cannot parse and
        # that has no trace of a manifest has none.
        return Credentials("invalid", failures=("unreadable",)) if b"jumdc2pa" in data else Credentials("none")
    return _read(store, results, state)


@lru_cache(maxsize=4)
def _context(anchors: str) -> Any:
    import c2pa

    settings: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    }
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _read(store: dict[str, Any], results: dict[str, Any], state: State) -> Credentials:
    line = list(_ancestry(store))
    active = line[0] if line else {}
    signature = _dict(active.get("signature_info"))
    makers = [_dict(item) for item in _list(active.get("claim_generator_info"))] or [{}]
    kinds = [action.get("digitalSourceType") for manifest in line for action in _actions(manifest)]
    programs = [str(_named(action.get("softwareAgent"))) for manifest in line for action in _actions(manifest)]
    programs += [str(one.get("name")) for manifest in line for one in _list(manifest.get("claim_generator_info"))]
    programs += [str(manifest.get("claim_generator")) for manifest in line]
    failed = [_code(item.get("code")) for item in _list(_dict(results.get("activeManifest")).get("failure"))]
    return Credentials(
        state=state,
        generator=clean(makers[0].get("name") or active.get("claim_generator") or ""),
        issuer=clean(signature.get("issuer") or ""),
        signed=clean(signature.get("time") or "", 40),
        actions=tuple(dict.fromkeys(_code(action.get("action")) for action in _actions(active)))[:_MANY],
        source_types=tuple(sorted({source_type(str(kind)[:256]) for kind in kinds if kind})),
        generators=known(GENERATORS, [program[:256] for program in programs]),
        failures=tuple(dict.fromkeys(failed))[:_MANY],
    )


def _ancestry(store: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The active manifest, then those of the pictures it was edited from, nearest first."""
    manifests = _dict(store.get("manifests"))
    label = store.get("active_manifest")
    seen: set[str] = set()
    while isinstance(label, str) and label in manifests and label not in seen and len(seen) < _MANY:
        seen.add(label)
        manifest = _dict(manifests[label])
        yield manifest
        parents = [item for item in _list(manifest.get("ingredients")) if item.get("relationship") == "parentOf"]
        label = parents[0].get("active_manifest") if parents else None


def _actions(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for assertion in _list(manifest.get("assertions")):
        if str(assertion.get("label")).startswith("c2pa.actions"):
            yield from _list(_dict(assertion.get("data")).get("actions"))


def _named(agent: object) -> object:
    return agent.get("name") if isinstance(agent, dict) else agent


def _code(text: object) -> str:
    return text if isinstance(text, str) and _CODE.fullmatch(text) else "other"


def _dict(value: object) -> dict[str, Any]:
    # A manifest is the signer's own JSON; nothing in it has to have the type it should have.
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
