"""The facts of the listings as JSON under ``/api``, with an OpenAPI description (CONTRACT.md §5)."""
