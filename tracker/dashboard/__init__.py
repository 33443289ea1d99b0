"""What the board shows: questions to the ledger, answered as counts and rows; no page is made here."""
