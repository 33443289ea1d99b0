"""The report on a month: worked out once as facts, and laid out as HTML, workbook, Markdown or PDF."""
