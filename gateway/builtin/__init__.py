"""The rules a hub without rules of its own uses; `weft export` prints them."""
