"""Figures kept up to date: an index of days, sums of each day, thresholds. docs/figures.md explains them."""
