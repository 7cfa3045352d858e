"""A caller made of software: it dials Parley, talks, listens and measures what a caller would hear."""
