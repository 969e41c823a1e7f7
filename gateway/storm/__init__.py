"""A storm as an event: its room, its briefs, its announcement, what was put off meanwhile, and what became of that."""
