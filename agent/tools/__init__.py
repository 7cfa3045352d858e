"""What an agent may do in a call beside talking; `declared` says how a persona asks for it."""
