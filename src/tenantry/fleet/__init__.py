"""Where customers run."""
