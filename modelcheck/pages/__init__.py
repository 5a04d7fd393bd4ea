"""What pages are made of: templates, styles, pictures. They need no network and no script."""
