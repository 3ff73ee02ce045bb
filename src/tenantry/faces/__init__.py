"""Who looks: thin pages over services."""
