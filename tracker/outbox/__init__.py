"""The outbox: rows on their way out, claimed, sent, put off or failed; and what the operator is told."""
