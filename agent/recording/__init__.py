"""A call's sound, in stereo: the caller left, the agent right."""
