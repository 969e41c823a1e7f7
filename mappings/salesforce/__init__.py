"""Mappings of the Salesforce connector's streams, and the formula of the health score."""
