"""`python -m parley.scripted`: serve the scripts as OpenAI-compatible models."""

import sys

from agent.yaml_file import BadFileError
from parley.scripted.app import MAX_BODY, build_scripted
from parley.scripted.config import Settings
from parley.scripted.script import load_scripts
from parley_serving import Gate, load_settings, serve


def main() -> None:
    settings = load_settings(Settings)
    try:
        scripts = load_scripts(settings.scripts)
    except BadFileError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    listen = settings.listen
    gate = Gate(listen.max_sessions)
    app = build_scripted(scripts, gate, listen.key, pace=settings.pace, first=settings.first)
    serve(app, gate, listen, max_message=MAX_BODY)


if __name__ == "__main__":
    main()
