"""REST systems by manifest: streams read, questions answered, operations written, messages received; no code."""
