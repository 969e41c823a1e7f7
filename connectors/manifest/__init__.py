"""Connectors made of one YAML file: what all kinds share."""

from connectors.manifest.errors import BadManifest
from connectors.manifest.inputs import Input, Part
from connectors.manifest.kinds import Kind, connector_of, kinds, manifest_of, parse, read, shipped
from connectors.manifest.model import Fields, Manifest, Name, RecordForm, StreamForm
from connectors.manifest.shapes import Condition, Field, Shape

__all__ = [
    "BadManifest",
    "Condition",
    "Field",
    "Fields",
    "Input",
    "Kind",
    "Manifest",
    "Name",
    "Part",
    "RecordForm",
    "Shape",
    "StreamForm",
    "connector_of",
    "kinds",
    "manifest_of",
    "parse",
    "read",
    "shipped",
]
