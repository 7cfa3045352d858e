"""`parley load`: how many calls at once this machine carries, found by real calls."""
