"""What a command says instead of doing it."""


class CommandError(Exception):
    """One sentence for whoever typed the command; it names the fix."""
