"""How the tables came to be what they are: one revision a schema, told to Alembic."""
