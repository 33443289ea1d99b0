"""From a decided mail to subject, HTML and text."""
