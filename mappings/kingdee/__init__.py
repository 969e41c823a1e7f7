"""Mappings of what the Kingdee connector brings."""
