"""What the hub learns from its own log: problems, what worked, paths, promises that fit, articles, what to clean up.

Nothing of it changes anything by itself: what should be done is a proposal that a person accepts or rejects.
"""
