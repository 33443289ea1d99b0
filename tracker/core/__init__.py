"""The pure core: deadlines, workdays, standing and reminders; no clock, no files, no database."""
