"""Calls that we place: whom we may call, the queue, and who dials."""
