"""`python -m agent start|dev|console`: the framework's command line over our worker."""

from livekit.agents import cli

from agent.worker import server

if __name__ == "__main__":
    cli.run_app(server)
