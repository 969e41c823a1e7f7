"""Mappings of Yonyou U8's tables."""
