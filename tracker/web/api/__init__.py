"""The facts of the listings as JSON under ``/api``, with an OpenAPI description (docs/contract.md §5)."""
