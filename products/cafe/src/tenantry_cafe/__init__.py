"""CafeManager: posts to cafes on schedule, for many customers. A product on Tenantry."""
