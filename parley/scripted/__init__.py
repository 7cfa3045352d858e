"""A language model that plays a script: what rehearsals and tests talk to instead of a real one."""
