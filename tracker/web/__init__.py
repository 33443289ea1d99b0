"""The pages that the service serves: the supervisor's board, a unit's answers, calendars and the API."""
