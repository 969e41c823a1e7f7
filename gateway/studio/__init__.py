"""The connector studio: from an address and a password to a published mapping, without any effect before that."""
