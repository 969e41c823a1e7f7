"""Working together around tickets: what stages require, files, reminders, the customer's word, who behaves oddly."""
