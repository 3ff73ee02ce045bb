"""Ways a mail leaves."""
