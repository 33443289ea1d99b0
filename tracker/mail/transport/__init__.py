"""From a composed mail to delivered bytes, and what the server said."""
