"""The processes beside the web server, one a command.

python worker.py work [QUEUE ...]   runs jobs as the bell rings, of these queues or of all
python worker.py schedule           rings again for rows that wait
"""

import sys

from manimod import create_app, workers
from manimod.config import ConfigError
from manimod.jobs import FAST, SLOW


def main(arguments: list[str]) -> None:
    try:
        app = create_app()
    except ConfigError as error:
        sys.exit(str(error))
    match arguments:
        case ["work", *queues] if set(queues) <= {FAST, SLOW}:
            workers.work(app, queues or [FAST, SLOW])
        case ["schedule"]:
            workers.schedule(app)
        case _:
            sys.exit(f"Usage: python worker.py schedule | work [{FAST}] [{SLOW}]")


if __name__ == "__main__":
    main(sys.argv[1:])
