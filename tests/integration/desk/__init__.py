"""The desk's API: lists, bulk, CSV, saved filters, one ticket's page, the customer's link."""
