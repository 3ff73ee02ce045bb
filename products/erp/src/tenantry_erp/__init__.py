"""An ERP of its own for each tenant, as a product on the Tenantry platform."""
