"""Tickets without progress: their holder is asked one precise question whose answers are actions."""
