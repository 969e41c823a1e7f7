"""The composition: HTTP API, CLI, ingest, automation, context, bridge, settings. The only floor that opens an engine."""
