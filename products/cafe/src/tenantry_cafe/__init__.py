"""CafeManager: a customer's posts appear on cafes on schedule. A product on the Tenantry platform."""
