"""A year of work under a virtual clock: staff, customers, alerts and storms drive the hub's own code; workers are real
processes that are killed. What must hold then is worked out a second time from the raw timelines."""
