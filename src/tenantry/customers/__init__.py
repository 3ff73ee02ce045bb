"""Who: customers and the people who serve them."""
