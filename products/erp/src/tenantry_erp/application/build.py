"""Fill an empty database with Tryton and what every company starts from.

Reads one JSON object from standard input: `uri` of the server, `database`, `modules`. Each line of
its output is `<done> <all> <what>`; both numbers count the same things: models and files.
"""

import json
import logging
import re
import secrets
import sys
from argparse import Namespace
from decimal import Decimal

from trytond import config

CURRENCIES = (
    ("SGD", "Singapore Dollar", "S$", 2),
    ("KRW", "South Korean Won", "₩", 0),
    ("USD", "US Dollar", "$", 2),
    ("EUR", "Euro", "€", 2),
    ("JPY", "Japanese Yen", "¥", 0),
)
DONE = re.compile(r"^(\S+) (?:register|load) (\S+)$")
COUNTRIES = (("SG", "SGP", "Singapore"), ("KR", "KOR", "Korea, Republic of"))


class Counter(logging.Handler):
    """Tell each thing that Tryton says it did."""

    def __init__(self, total: int) -> None:
        super().__init__(logging.INFO)
        self.total = total
        self.done = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count lines like `party register party.party` and `party load party.xml`."""
        if found := DONE.match(record.getMessage()):
            self.done += 1
            print(min(self.done, self.total), self.total, f"{found[1]} {found[2]}", flush=True)


def count_work(modules: list[str]) -> int:
    """Return how many models and files these modules and those they need have."""
    from trytond.modules import create_graph, get_module_info, get_module_register  # slow import

    names = {"ir", "res"}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += get_module_info(name).get("depends", [])
    total = 0
    for node in create_graph(names):
        total += len(node.info.get("xml", []))
        for classes, facts in get_module_register(node.name):
            if set(facts["depends"]) <= names:
                total += len(classes)
    return total


def add_basics(database: str) -> None:
    """Add the currencies and countries that companies choose from, and lock everybody out."""
    from trytond.pool import Pool  # slow import
    from trytond.transaction import Transaction  # slow import

    with Transaction().start(database, 0):
        pool = Pool(database)
        Currency, Country = pool.get("currency.currency"), pool.get("country.country")
        User = pool.get("res.user")
        # Nobody can sign in to the template, nor to a copy before it is settled.
        User.write(User.search([("login", "=", "admin")]), {"password_hash": None})
        Currency.create(
            [
                {
                    "code": code,
                    "name": name,
                    "symbol": symbol,
                    "digits": digits,
                    "rounding": Decimal(1).scaleb(-digits),
                }
                for code, name, symbol, digits in CURRENCIES
            ]
        )
        Country.create(
            [{"code": code, "code3": code3, "name": name} for code, code3, name in COUNTRIES]
        )


def main() -> None:
    """Build."""
    order = json.load(sys.stdin)
    config.set("database", "uri", order["uri"])
    config.set("database", "default_name", order["database"])
    from trytond import admin  # slow import
    from trytond.pool import Pool  # slow import

    passing = secrets.token_urlsafe()
    admin.getpass = lambda _prompt: passing
    counter = Counter(count_work(order["modules"]))
    logger = logging.getLogger("trytond.modules")
    logger.addHandler(counter)
    logger.setLevel(logging.INFO)
    Pool.start()
    admin.run(
        Namespace(
            database_names=[order["database"]],
            update=order["modules"],
            activatedeps=True,
            email="",
            languages=[],
            indexes=None,
            password=False,
            reset_password=False,
            test_email=None,
            update_modules_list=False,
            hostname=None,
            export_translations=False,
            validate=None,
        )
    )
    add_basics(order["database"])
    print(counter.total, counter.total, "done", flush=True)


if __name__ == "__main__":
    main()
