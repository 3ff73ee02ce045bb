"""`python -m tenantry.config.cli`: how `tenantry up` starts its processes."""

from tenantry.config.cli import main

main(prog_name="tenantry")
