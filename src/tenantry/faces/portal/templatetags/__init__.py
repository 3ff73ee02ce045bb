"""Template tags of the portal; product templates use them too."""
