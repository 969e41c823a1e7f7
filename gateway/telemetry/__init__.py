"""How each connection is doing over time: calls, failures, latency, messages, and the shape of what it sends."""
