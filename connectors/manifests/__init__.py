"""Manifests that come with Weft: connectors without a line of code."""
