"""Who gets a ticket and how urgent it is: the policies `grading` and `routing` at work, and what they will never do."""
