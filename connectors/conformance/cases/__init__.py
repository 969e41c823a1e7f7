"""The cases of the exam, grouped by capability."""
