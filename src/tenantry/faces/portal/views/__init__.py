"""The pages: each fetches, parses, calls one service, and shows what came of it."""
