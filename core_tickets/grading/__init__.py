"""How urgent is a ticket? By words, channel, customer and time: each contribution shown. Pure."""

from core_tickets.grading.grade import Contribution, Grade, Grading, GradingRule, grade

__all__ = ["Contribution", "Grade", "Grading", "GradingRule", "grade"]
