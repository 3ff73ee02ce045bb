"""The public face: the pages of `/trial`, for people who are not customers yet."""
