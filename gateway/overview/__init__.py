"""What is going on, in figures that lead to lists; told anew while people look."""
