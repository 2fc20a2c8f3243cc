"""What the browser receives: the theme, the scripts, the icons, and the step that builds them into cityjobs/static/."""
