"""What keeps a plan from being made."""


class PlanError(Exception):
    """The message is for the person who asked, and names the fix."""
