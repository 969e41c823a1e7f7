"""Which records tell of one thing, as the hub does it: reviews, previews, the batch."""
