"""Make a copy of the template one company's own. Done again, it ends in the same state.

Reads one JSON object from standard input: `uri` of the server, `database`, `company`, `short_id`,
`currency`, `country`, `timezone`, `language`, `owner_email`, `owner_name`, `admin_password`,
`owner_password`. Prints `settled`.
"""

import json
import sys
from typing import Any

from trytond import config

# Tryton has no types.
Pool = Any
Model = Any
Record = Any

# Everything a company's owner needs, and not the administration of the application itself.
OWNER_GROUPS = (
    ("party", "group_party_admin"),
    ("currency", "group_currency_admin"),
    ("company", "group_company_admin"),
    ("company", "group_employee_admin"),
    ("timesheet", "group_timesheet_admin"),
    ("attendance", "group_attendance_admin"),
)


def settle(order: dict[str, str], pool: Pool) -> None:
    """Write company, administrator and owner."""
    ModelData, User = pool.get("ir.model.data"), pool.get("res.user")
    company = settle_company(order, pool)
    admin = find_user(User, "admin")
    admin.companies, admin.company = [company], company
    admin.password = order["admin_password"]
    admin.save()
    owner = find_user(User, order["owner_email"]) or User(login=order["owner_email"])
    owner.name = order["owner_name"] or order["owner_email"]
    owner.email = order["owner_email"]
    owner.active = True
    owner.companies, owner.company = [company], company
    owner.employees = settle_employee(order, pool, company)
    owner.employee = owner.employees[0]
    owner.groups = [ModelData.get_id(module, name) for module, name in OWNER_GROUPS]
    owner.password = order["owner_password"]
    owner.save()


def find_user(User: Model, login: str) -> Record:
    """Return the user of this login, even one that was switched off; None if there is none."""
    from trytond.transaction import inactive_records  # slow import

    with inactive_records():
        return next(iter(User.search([("login", "=", login)], limit=1)), None)


def settle_company(order: dict[str, str], pool: Pool) -> Record:
    """Return the first company, made or renamed."""
    Company, Party = pool.get("company.company"), pool.get("party.party")
    Currency, Country = pool.get("currency.currency"), pool.get("country.country")
    company = next(iter(Company.search([], order=[("id", "ASC")], limit=1)), None)
    party = company.party if company else Party(code=order["short_id"])
    party.name = order["company"]
    if not company:
        (country,) = Country.search([("code", "=", order["country"])])
        party.addresses = [pool.get("party.address")(country=country)]
    party.save()
    company = company or Company(party=party)
    (company.currency,) = Currency.search([("code", "=", order["currency"])])
    company.timezone = order["timezone"]
    company.save()
    return company


def settle_employee(order: dict[str, str], pool: Pool, company: Record) -> list[Record]:
    """Return the owner as the company's employee, so that sheets can be filled in at once."""
    Employee, Party = pool.get("company.employee"), pool.get("party.party")
    code = f"{order['short_id']}-owner"
    party = next(iter(Party.search([("code", "=", code)], limit=1)), None) or Party(code=code)
    party.name = order["owner_name"] or order["owner_email"]
    party.save()
    found = Employee.search([("party", "=", party.id), ("company", "=", company.id)], limit=1)
    employee = found[0] if found else Employee(party=party, company=company)
    employee.save()
    return [employee]


def main() -> None:
    """Settle in one transaction."""
    order = json.load(sys.stdin)
    name = order["database"]
    config.set("database", "uri", order["uri"])
    config.set("database", "default_name", name)
    from trytond import pool as pools  # slow import
    from trytond.transaction import Transaction  # slow import

    pools.Pool.start()
    pool = pools.Pool(name)
    pool.init()
    with Transaction().start(name, 0, context={"company": None}):
        settle(order, pool)
    print("settled", flush=True)


if __name__ == "__main__":
    main()
