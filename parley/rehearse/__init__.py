"""`parley rehearse`: simulated callers, played against a persona, and what is checked of them."""
