"""Mappings of the MES connector."""
