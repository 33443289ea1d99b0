"""What is said to whom and when: digests, roll-ups, reminders now, and the last look before a mail leaves."""
