"""Python functions that mappings may call for fields no expression can make: `{call:
"mappings.functions.notes:clean"}`."""
