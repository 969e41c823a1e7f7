"""A connector of the tests: every way the hub can be told something and can tell something, and a world it acts on."""
