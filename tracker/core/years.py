"""The years that a date can have; nobody means another one.  Apart, as every command needs them before it begins."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
