"""How quick the pages are at the size of the country, beside the least that the same page could cost (`make bench`)."""
