"""The functions of the language, one module per group; importing this package registers them all."""

from mappings.builtin import choices, collections, network, numbers, patterns, privacy, texts, times, units

__all__ = ["choices", "collections", "network", "numbers", "patterns", "privacy", "texts", "times", "units"]
