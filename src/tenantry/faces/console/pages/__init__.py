"""The pages of the console that are no tables; importing this mounts them."""

from tenantry.faces.console.pages import approvals, evidence, overview, queue, trace

__all__ = ["approvals", "evidence", "overview", "queue", "trace"]
