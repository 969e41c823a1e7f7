"""What happens by itself when a promise is in danger or nobody moves: planned, fired once, proven."""
