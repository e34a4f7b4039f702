"""Zones and site values changed at the console, and saved into the files as their writer left them."""
