"""From a decided mail to delivered bytes: render, build, transport."""
