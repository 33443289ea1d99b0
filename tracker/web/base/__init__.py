"""What every page needs: the site, its words, forms, errors and roles."""
