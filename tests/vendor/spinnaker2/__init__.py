"""Stand-in for the vendor's package; see ../README.md for what is certain and what is assumed."""
