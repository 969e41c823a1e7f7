"""Systems that send messages, by manifest: proof of origin, events, no code."""
