"""The desk: how people find tickets, work on them, and show a customer how far one is."""
