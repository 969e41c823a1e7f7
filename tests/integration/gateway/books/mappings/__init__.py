"""Mappings of the books."""
