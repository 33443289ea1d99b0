"""Who may come in: accounts, sessions, signed links, secret addresses of calendars."""
