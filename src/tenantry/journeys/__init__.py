"""What crosses wings: the only place that orchestrates."""
