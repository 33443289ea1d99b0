"""The process that runs: the scheduler, the pages beside it, the demonstration."""
