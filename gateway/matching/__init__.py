"""Which records tell of one thing, as the hub does it: reviews, previews, the nightly batch."""

from gateway.matching.batch import BatchOutcome, batch, write_all_settings

__all__ = ["BatchOutcome", "batch", "write_all_settings"]
