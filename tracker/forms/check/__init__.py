"""Cells into a table form, with every finding at its cell."""
