"""The ledger: assignments, the history of their events, and how each stands."""
