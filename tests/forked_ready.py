"""Only the process that is forked imports this: it sets Django up, once for all of them."""

import django

django.setup()
