"""The product's main job, played on the running platform through the pages people use."""

from tenantry_erp.story.play import play

__all__ = ["play"]
