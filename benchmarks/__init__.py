"""Measurements that a person or CI can repeat: `python -m benchmarks.mapping`."""
