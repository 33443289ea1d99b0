"""The pages: the board, the supervisor's actions, a unit's answers."""
