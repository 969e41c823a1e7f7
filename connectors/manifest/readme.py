"""The page of a manifest's connector, with the sections that every connector's README has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.manifest.model import Manifest, RecordForm, StreamForm


def readme_of(manifest: Manifest) -> str:
    """Markdown, made of nothing but the manifest."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    yield f"# {manifest.title} ({manifest.title_zh})"
    yield manifest.description or f"Connector `{manifest.connector}`, made of a manifest of kind `{manifest.kind}`."
    yield "\n## Settings\n| setting | meaning |\n|---|---|"
    for name, each in manifest.inputs().items():
        default = "" if each.default is None else f" Default: {each.default}."
        needed = " May be left out." if each.optional else ""
        yield f"| `{name}` | {each.description}{default}{needed}{' Secret.' if each.type == 'secret' else ''} |"
    yield f"\n## Credentials\n{manifest.docs.credentials or 'Those of the settings above; none are kept elsewhere.'}"
    yield f"\n## Rights\n{manifest.docs.rights or 'The account must be allowed to make the calls listed below.'}"
    yield "\n## Objects and fields"
    yield from _streams(getattr(manifest, "streams", {}))
    for section in ("questions", "operations"):
        for name, form in getattr(manifest, section, {}).items():
            yield f"- {section.removesuffix('s')} `{name}`: {form.title} ({form.title_zh})"
    yield f"\n## Limits\n{manifest.docs.limits or _limits(manifest)}"
    yield f"\n## Troubleshooting\n{manifest.docs.troubleshooting or _troubles(manifest)}"


def _streams(streams: dict[str, Any]) -> Iterator[str]:
    for name, form in streams.items():
        if not isinstance(form, RecordForm):
            continue
        how = "read"
        if isinstance(form, StreamForm):
            how = f"read from its cursor `{form.cursor}` on" if form.cursor else "read whole"
        yield f"\nStream `{name}`, {how}; key: {', '.join(f'`{k}`' for k in form.key)}.\n"
        yield "| field | type | |\n|---|---|---|"
        for field, each in form.fields.items():
            yield f"| `{field}` | {each.type} | {' '.join(filter(None, [each.description, each.unit]))} |"


def _limits(manifest: Manifest) -> str:
    bounds = manifest.policy
    return f"At most {bounds.rate_per_s:g} calls a second; each waits at most {bounds.timeout_s:g} s for its answer."


def _troubles(manifest: Manifest) -> str:
    return (
        "`weft check CONNECTION` makes a real call and says what is wrong. A record that does not fit its fields is in "
        "`weft dead list` with its reason. After a change of the manifest `weft connector test FILE` proves it anew."
    )
