"""SOAP services by manifest: streams read, questions answered, operations written; no code."""
