"""From a manifest's text to a connector class. Kinds are found by the entry point group `weft.kinds`, like connectors.

[project.entry-points."weft.kinds"]
rest = "connectors.rest.kind:KIND"
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from connectors.contract import Connector
from connectors.errors import BadRecord, FieldProblem
from connectors.manifest import yaml_text
from connectors.manifest.errors import BadManifest
from connectors.manifest.inputs import settings_model
from connectors.manifest.model import Manifest, RecordForm
from connectors.manifest.readme import readme_of

GROUP = "weft.kinds"
SHIPPED = "connectors.manifests"
SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1 << 20
_PLACED = re.compile(r"([a-z_]+(?:[.\[][\w.\[\]]+)): (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to reach systems without code.

    `form`: the manifest's model. `bases`: the classes whose methods a connector of this manifest has, the first one
    being the class of the kind (its folder holds README.md and sandbox.py). `world`: the exam's World of such a
    connector, made of the manifest's own samples. `scaffold`: the text of a new manifest that passes the exam as it is.
    `sandbox`: serves the samples on a port until interrupted, having told where it is.
    """

    name: str
    form: type[Manifest]
    bases: Callable[[Any], tuple[type, ...]]
    scaffold: Callable[[str], str]
    world: Callable[[type[Connector]], type[Any]]
    sandbox: Callable[[type[Connector], int], None]


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """The kinds that are installed, by name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def parse(text: str, origin: str = "") -> Manifest:
    """A manifest, checked whole. Raises BadManifest with path and remedy of every problem."""
    if len(text) > MAX_BYTES:
        raise BadManifest([FieldProblem("", "the file is larger than 1 MiB")], origin)
    try:
        data = yaml_text.load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadManifest([FieldProblem("", f"not valid YAML: {' '.join(str(error).split())}")], origin) from None
    if not isinstance(data, dict):
        raise BadManifest([FieldProblem("", "a manifest is a mapping", "begin with `connector:` and `kind:`")], origin)
    return manifest_of(data, origin)


def manifest_of(data: Mapping[str, Any], origin: str = "") -> Manifest:
    """The same, of a document that was read already."""
    kind = kinds().get(str(data.get("kind")))
    if kind is None:
        near = difflib.get_close_matches(str(data.get("kind")), kinds(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write one of " + ", ".join(sorted(kinds()))
        raise BadManifest([FieldProblem("kind", f"there is no kind {data.get('kind')!r}", hint)], origin)
    try:
        manifest = kind.form.model_validate(dict(data))
    except ValidationError as refusal:
        raise BadManifest(_problems(kind.form, refusal), origin) from None
    unknown = manifest.mappings.keys() - manifest.mapped_streams()
    if unknown:
        hint = f"streams: {', '.join(sorted(manifest.mapped_streams())) or 'none'}"
        raise BadManifest([FieldProblem(f"mappings.{sorted(unknown)[0]}", "there is no such stream", hint)], origin)
    return manifest


def connector_of(text: str, origin: str = "", *, file: Path | None = None) -> type[Connector]:
    """The connector class of a manifest. The same text gives the same class. Raises BadManifest."""
    return _built(text, origin, file)


@functools.lru_cache(maxsize=512)
def _built(text: str, origin: str, file: Path | None) -> type[Connector]:
    manifest = parse(text, origin)
    kind = kinds()[manifest.kind]
    bases = kind.bases(manifest)
    try:
        config = settings_model(manifest.connector, manifest.inputs())
    except (TypeError, ValueError) as error:
        raise BadManifest([FieldProblem("config", str(error))], origin) from None
    name = "".join(word.capitalize() for word in manifest.connector.split("_"))
    return type(
        f"{name}Connector",
        bases,
        {
            "__module__": bases[0].__module__,
            "__doc__": manifest.description or manifest.title,
            "name": manifest.connector,
            "title": manifest.title,
            "title_zh": manifest.title_zh,
            "Config": config,
            "policy": manifest.policy.policy,
            "manifest": manifest,
            "manifest_file": file,
            "manifest_digest": hashlib.sha256(text.encode()).hexdigest(),
            "mapping_texts": mapping_texts(manifest, origin),
            "defaults": {name: list(getattr(manifest, name)) for name in ("rules", "bridges", "context")},
            "readme": readme_of(manifest),
        },
    )


def mapping_texts(manifest: Manifest, origin: str = "") -> dict[str, str]:
    """Each stream's mapping as a document of the mapping language. Its tests give records as the system sends them: they
    go through the stream's fields first, as in life. Raises BadManifest."""
    source, forms = manifest.connector, manifest.record_forms()
    texts = {}
    for stream, body in manifest.mappings.items():
        document = {"mapping": f"{source}_{stream}", "from": {"connector": source, "stream": stream}, **body}
        tests = body.get("tests")
        if stream in forms and isinstance(tests, list):
            document["tests"] = [
                _typed(test, forms[stream], f"mappings.{stream}.tests[{n}]", origin) for n, test in enumerate(tests)
            ]
        texts[stream] = yaml_text.dump(document)
    return texts


def _typed(test: Any, form: RecordForm, path: str, origin: str) -> Any:
    if not isinstance(test, dict) or not isinstance(test.get("in"), dict):
        return test
    try:
        return {**test, "in": dict(form.shape.partial(test["in"]))}
    except BadRecord as error:
        raise BadManifest([FieldProblem(f"{path}.in", str(error), "write it as the system sends it")], origin) from None


def read(path: Path) -> type[Connector]:
    """The connector of a manifest file. Raises BadManifest."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadManifest([FieldProblem("", f"cannot be read: {error}")], str(path)) from None
    return connector_of(text, str(path), file=path)


def shipped() -> list[Path]:
    """The manifests that come with Weft."""
    folder = Path(str(files(SHIPPED)))
    return manifest_files([folder])


def manifest_files(folders: Iterable[Path]) -> list[Path]:
    """The manifests in these folders; a folder that is not there holds none."""
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix in SUFFIXES and path.is_file()
    ]


def _problems(form: type[Manifest], refusal: ValidationError) -> list[FieldProblem]:
    return [_problem(form, dict(each)) for each in refusal.errors(include_url=False, include_input=False)]


def _problem(form: type[Manifest], error: dict[str, Any]) -> FieldProblem:
    path = ""
    for step in error["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = _alike(name, sorted(form.model_fields if len(error["loc"]) == 1 else _names(form)))
        return FieldProblem(path, "this field does not exist here", f"did you mean {near!r}?" if near else "remove it")
    hint = {"missing": "write it"}.get(error["type"], "")
    message = str(error["msg"]).removeprefix("Value error, ")
    deeper = _PLACED.match(message)  # a check of the whole names the place itself
    if deeper is not None:
        path, message = f"{path}.{deeper[1]}".lstrip("."), deeper[2]
    return FieldProblem(path, message, hint)


def _alike(name: str, known: Sequence[str]) -> str:
    """The name that was meant; letters that changed places are the commonest slip."""
    others = [each for each in known if each != name]
    swapped = [each for each in others if sorted(each) == sorted(name)]
    return next(iter(swapped or difflib.get_close_matches(name, others, n=1, cutoff=0.7)), "")


def _names(form: type[Manifest]) -> set[str]:
    """Every field name of a form, nested ones too."""
    schema = form.model_json_schema()
    nested = [inner.get("properties", {}) for inner in schema.get("$defs", {}).values()]
    return {name for properties in (schema.get("properties", {}), *nested) for name in properties}
